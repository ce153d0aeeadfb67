//! `--watch`: repeats a command.

use std::{io::Write as _, time::Duration};

use unicode_width::UnicodeWidthStr as _;

use super::api_command::Running;
use crate::{
    base::sanitize,
    error::{Exit, Failure},
    render::Output,
    session::Call,
};

/// Repeats the command until Ctrl-C.
pub(crate) async fn watch<'a>(
    call: &Call<'_>,
    run: &dyn Fn() -> Running<'a>,
    output: &Output<'_>,
    pause: Duration,
) -> Result<Exit, Failure> {
    let again = async {
        let mut screen = Screen::new(call);
        for turn in 0_u64.. {
            let shown = async {
                // A list sends its requests while it is written.
                let answer = run().await?;
                output.text_of(answer, || call.display(), turn == 0).await
            };
            match shown.await {
                Ok((text, note)) => screen.show(text, note)?,
                // A long watch survives failures that pass.
                Err(failure) if turn > 0 && failure.is_retryable() => screen.stall(&failure)?,
                Err(failure) => return Err(failure),
            }
            tokio::time::sleep(pause).await;
        }
        Ok(Exit::Done)
    };
    tokio::select! {
        ended = again => ended,
        _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
    }
}

/// What was shown last.
struct Screen<'a> {
    call: &'a Call<'a>,
    text: String,
    said: Option<String>,
    /// The number of rows on the terminal to draw over.
    rows: usize,
}

impl<'a> Screen<'a> {
    fn new(call: &'a Call<'a>) -> Self {
        Self {
            call,
            text: String::new(),
            said: None,
            rows: 0,
        }
    }

    /// Replaces the output on a terminal, appends it in a pipe.
    fn show(&mut self, text: String, note: Option<String>) -> Result<(), Failure> {
        self.text = text;
        if self.call.environment.terminal.is_some() {
            self.said = None;
            let note = note.map(|note| sanitize::line(&note));
            return self.draw(note.as_deref());
        }
        let mut stdout = self.call.environment.stdout();
        stdout
            .write_all(self.text.as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::from_output(&error))?;
        self.say(note);
        Ok(())
    }

    /// Keeps the last output, and says why there is no newer one.
    fn stall(&mut self, failure: &Failure) -> Result<(), Failure> {
        let now = self.call.clock().local_now().strftime("%H:%M:%S");
        if self.call.environment.terminal.is_some() {
            let told = self.said.get_or_insert_with(|| {
                let message = sanitize::line(failure.message());
                format!("since {now}: {message}; trying again")
            });
            let told = told.clone();
            return self.draw(Some(&told));
        }
        self.say(Some(format!("{}; trying again", failure.message())));
        Ok(())
    }

    /// Writes a message unless it is the same as the last one.
    fn say(&mut self, words: Option<String>) {
        if let Some(words) = &words
            && self.said.as_ref() != Some(words)
        {
            self.call.environment.say(words);
        }
        self.said = words;
    }

    fn draw(&mut self, note: Option<&str>) -> Result<(), Failure> {
        let drawn = draw(self.call, &self.text, note, self.rows);
        self.rows = drawn.map_err(|error| Failure::from_output(&error))?;
        Ok(())
    }
}

/// Draws over the previous output on a terminal, and returns the number of rows drawn.
fn draw(call: &Call<'_>, text: &str, note: Option<&str>, before: usize) -> std::io::Result<usize> {
    let mut stdout = call.environment.stdout();
    let (columns, rows) = call
        .environment
        .terminal
        .map_or((usize::MAX, usize::MAX), |terminal| {
            (terminal.columns, terminal.rows)
        });
    if before > 0 {
        write!(stdout, "\u{1b}[{before}A\u{1b}[J")?;
    }
    let time = call.clock().local_now().strftime("%H:%M:%S").to_string();
    let last = [
        note.map(|note| format!(" {note}")),
        Some(format!(" {time}, Ctrl-C to stop")),
    ];
    let last: Vec<_> = last.into_iter().flatten().collect();
    let mut drawn: usize = last.iter().map(|line| rows_of(line, columns)).sum();
    // Rows that have scrolled off the screen cannot be drawn over.
    for line in text.lines() {
        let taken = rows_of(line, columns);
        if drawn + taken >= rows {
            break;
        }
        writeln!(stdout, "{line}")?;
        drawn += taken;
    }
    for line in last {
        writeln!(stdout, "{line}")?;
    }
    stdout.flush()?;
    Ok(drawn)
}

/// The number of rows that a line takes on a terminal.
fn rows_of(line: &str, columns: usize) -> usize {
    let mut width = 0;
    let mut parts = line.split('\u{1b}');
    width += parts.next().unwrap_or_default().width();
    for part in parts {
        // The only escape sequences left are colours, which end with m.
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
