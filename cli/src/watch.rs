//! `--watch`: the same answer again and again.

use std::{io::Write as _, time::Duration};

use clap::{Arg, Command, value_parser};
use konektor_spec::Operation;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    call::Call,
    error::{Exit, Failure},
    output::{Output, clean},
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
        let mut said = None;
        for turn in 0_u64.. {
            let answer = (verb.run)(call).await?.documented_by(call.operation);
            let (mut text, note) = output.text_of(answer, &call.reader(), turn == 0).await?;
            if let Some(note) = note {
                if call.world.terminal.is_some() {
                    text = format!("{text}{}\n", clean::line(&note));
                } else if said.as_ref() != Some(&note) {
                    call.world.say(&note);
                    said = Some(note);
                }
            }
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
    let mut drawn = 0;
    for line in text.lines() {
        let rows = rows_of(line, terminal.columns);
        if drawn + rows > terminal.rows.saturating_sub(2) {
            break;
        }
        writeln!(stdout, "{line}")?;
        drawn += rows;
    }
    let time = call.when().local_now().strftime("%H:%M:%S").to_string();
    writeln!(stdout, " {time}, Ctrl-C to stop")?;
    stdout.flush()?;
    Ok(drawn + 1)
}

/// How many rows of a terminal a line takes.
fn rows_of(line: &str, columns: usize) -> usize {
    let mut width = 0;
    let mut parts = line.split('\u{1b}');
    width += parts.next().unwrap_or_default().width();
    for part in parts {
        // Colours, which are all that is left of this kind, end with an m.
        width += part.split_once('m').map_or(part, |(_, text)| text).width();
    }
    width.div_ceil(columns.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_takes_several_rows() {
        for (line, rows) in [
            ("", 1),
            ("0123456789", 1),
            ("01234567890", 2),
            ("\u{1b}[38;5;6m0123456789\u{1b}[0m", 1),
            ("佐藤佐藤佐藤", 2),
        ] {
            assert_eq!(rows_of(line, 10), rows, "{line:?}");
        }
    }
}
