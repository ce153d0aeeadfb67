//! `--watch`: the same answer again and again.

use std::{io::Write as _, time::Duration};

use clap::{Arg, Command, value_parser};
use konektor_spec::Operation;

use crate::{
    call::Call,
    error::{Exit, Failure},
    output::Output,
    verb::Verb,
};

const WATCH: &str = "watch";

/// Adds the flag.
pub(crate) fn shape(command: Command, _: &Operation) -> Command {
    command.arg(
        Arg::new(WATCH)
            .long(WATCH)
            .value_name("SECONDS")
            .value_parser(value_parser!(u64).range(1..))
            .help("Ask again so often, until Ctrl-C; a terminal is drawn over, a pipe is added to"),
    )
}

/// How long to wait between two answers, when there is to be more than one.
pub(crate) fn wanted(call: &Call<'_>) -> Option<Duration> {
    call.flags.own::<u64>(WATCH).map(Duration::from_secs)
}

/// Goes on until the person has seen enough.
pub(crate) async fn watch(
    call: &Call<'_>,
    verb: &Verb,
    output: &Output<'_>,
    pause: Duration,
) -> Result<Exit, Failure> {
    let again = async {
        let mut drawn = 0;
        for turn in 0_u64.. {
            let answer = (verb.run)(call).await?.documented_by(call.operation);
            let text = output.text_of(answer, &call.reader(), turn == 0).await?;
            drawn = draw(call, &text, drawn).map_err(|error| Failure::of_output(&error))?;
            tokio::time::sleep(pause).await;
        }
        Ok(Exit::Done)
    };
    tokio::select! {
        ended = again => ended,
        _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
    }
}

/// On a terminal over what was drawn before; gives back how many lines that are now.
fn draw(call: &Call<'_>, text: &str, before: usize) -> std::io::Result<usize> {
    let mut stdout = call.world.stdout();
    let Some(terminal) = call.world.terminal else {
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
        return Ok(0);
    };
    if before > 0 {
        write!(stdout, "\u{1b}[{before}A\u{1b}[J")?;
    }
    // What has left the screen cannot be drawn over.
    let lines: Vec<_> = text.lines().take(terminal.rows.saturating_sub(2)).collect();
    for line in &lines {
        writeln!(stdout, "{line}")?;
    }
    let time = call.when().local_now().strftime("%H:%M:%S").to_string();
    writeln!(stdout, " {time}, Ctrl-C to stop")?;
    stdout.flush()?;
    Ok(lines.len() + 1)
}
