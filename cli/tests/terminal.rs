//! The program on a real terminal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers fail the test that calls them")]

mod support;

use std::{
    io::{Read as _, Write},
    num::NonZero,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use konektor_testing::{KEY, example, success};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde_json::json;
use support::{Api, skipped};

/// A terminal with the program in it, which talks to a server that has to be there as long.
struct Screen<'a> {
    _api: &'a Api,
    emulator: vt100::Parser,
    bytes: Receiver<Vec<u8>>,
    keyboard: Box<dyn Write + Send>,
    program: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_konektor");

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

impl<'a> Screen<'a> {
    fn run(api: &'a Api, columns: u16, line: &str, variables: &[(&str, &str)]) -> Self {
        let size = PtySize {
            rows: 24,
            cols: columns,
            ..PtySize::default()
        };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut words = shlex::split(line).unwrap();
        if words[0] == "konektor" {
            PROGRAM.clone_into(&mut words[0]);
        }
        let mut command = CommandBuilder::from_argv(words.into_iter().map(Into::into).collect());
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap());
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("TZ", "UTC"),
            ("KONEKTOR_API_KEY", KEY),
            ("KONEKTOR_BASE_URL", &api.server.uri()),
        ]
        .iter()
        .chain(variables)
        {
            command.env(name, value);
        }
        let program = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);

        let mut reader = pty.master.try_clone_reader().unwrap();
        let (send, bytes) = mpsc::channel();
        thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut part) {
                if send.send(part[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            _api: api,
            emulator: vt100::Parser::new(
                NonZero::new(24).unwrap(),
                NonZero::new(columns).unwrap(),
                1000,
            ),
            bytes,
            keyboard: pty.master.take_writer().unwrap(),
            program,
            _master: pty.master,
        }
    }

    /// Waits until the screen shows this.
    fn until(&mut self, shown: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = self.emulator.screen().contents();
            if shown(&text) {
                return text;
            }
            assert!(start.elapsed() < PATIENCE, "the screen shows\n{text}");
            if let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(50)) {
                self.emulator.process(&bytes);
            }
        }
    }

    /// Waits for the end, and gives the exit code.
    fn end(&mut self) -> u32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended_within(Duration::from_millis(50)) {
                while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(200)) {
                    self.emulator.process(&bytes);
                }
                return status;
            }
            let waited = start.elapsed();
            assert!(waited < PATIENCE, "it goes on, showing\n{}", self.text());
        }
    }

    /// Reads for this time, or until the program has ended, and gives the exit code.
    fn ended_within(&mut self, time: Duration) -> Option<u32> {
        let end = Instant::now() + time;
        loop {
            if let Some(status) = self.program.try_wait().unwrap() {
                return Some(status.exit_code());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            if let Ok(bytes) = self.bytes.recv_timeout(left.min(Duration::from_millis(20))) {
                self.emulator.process(&bytes);
            }
        }
    }

    fn text(&self) -> String {
        self.emulator.screen().contents()
    }

    fn has_colors(&self) -> bool {
        let screen = self.emulator.screen();
        let (rows, columns) = screen.size();
        (0..rows.get()).any(|row| {
            (0..columns.get()).any(|column| {
                screen
                    .cell(row, column)
                    .is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
            })
        })
    }
}

/// A test that fails leaves nothing behind.
impl Drop for Screen<'_> {
    fn drop(&mut self) {
        let _ = self.program.kill();
    }
}

fn leads(count: usize) -> Api {
    let mut body = example("leads_list");
    let lead = body["data"][0].clone();
    body["data"] = (0..count).map(|_| lead.clone()).collect();
    body["pagination"]["total"] = json!(count);
    Api::answering(success("leads_list", &body))
}

#[test]
fn a_table_fits_the_terminal() {
    let api = leads(3);
    for columns in [40, 60, 90, 140] {
        let mut screen = Screen::run(&api, columns, "konektor leads list", &[]);
        assert_eq!(screen.end(), 0);
        let text = screen.text();
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 4, "a line is broken at {columns}:\n{text}");
        assert!(lines[1].contains("Budi Santoso"), "{text}");
        assert_eq!(lines[0].contains("SOURCE"), columns >= 90, "{text}");
    }
}

#[test]
fn colours_are_as_the_variables_say() {
    let api = leads(1);
    for (variables, colors) in [
        (&[][..], true),
        (&[("NO_COLOR", "1")], false),
        (&[("NO_COLOR", "")], true),
        (&[("CLICOLOR", "0")], false),
        (&[("CLICOLOR", "1")], true),
        (&[("TERM", "dumb")], false),
        (&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], true),
        (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
    ] {
        let mut screen = Screen::run(&api, 100, "konektor leads list", variables);
        assert_eq!(screen.end(), 0);
        assert_eq!(screen.has_colors(), colors, "{variables:?}");
    }
}

#[test]
fn what_does_not_fit_goes_through_the_pager() {
    let pager = [("PAGER", "sh -c 'echo PAGED; cat'")];
    let line = "konektor leads list";
    let api = leads(40);
    let mut long = Screen::run(&api, 100, line, &pager);
    assert_eq!(long.end(), 0);
    assert!(long.emulator.screen().contents().contains("Budi"));
    long.emulator.screen_mut().set_scrollback(usize::MAX);
    assert!(long.text().starts_with("PAGED"), "{}", long.text());

    let api = leads(10);
    let mut short = Screen::run(&api, 100, line, &pager);
    assert_eq!(short.end(), 0);
    assert!(!short.text().contains("PAGED"));

    for none in ["", "cat"] {
        let variables = [pager[0], ("KONEKTOR_PAGER", none)];
        let api = leads(40);
        let mut straight = Screen::run(&api, 100, line, &variables);
        assert_eq!(straight.end(), 0);
        straight.emulator.screen_mut().set_scrollback(usize::MAX);
        assert!(straight.text().starts_with(" NAME"), "{}", straight.text());
    }

    let missing = [("PAGER", "no-such-pager --at-all")];
    let api = leads(40);
    let mut straight = Screen::run(&api, 100, line, &missing);
    assert_eq!(straight.end(), 0);
    assert!(straight.text().contains("Budi"), "{}", straight.text());
}

#[test]
fn less_can_be_left_at_any_time() {
    if std::process::Command::new("less")
        .arg("--version")
        .output()
        .is_err()
    {
        skipped("less was not tried, it is not installed");
        return;
    }
    let api = leads(100);
    let mut screen = Screen::run(&api, 100, "konektor leads list", &[]);
    let text = screen.until(|text| text.trim_end().ends_with(':'));
    assert!(text.starts_with(" NAME"), "{text}");
    // Ctrl-C is for less: it only stops what less is doing.
    screen.keyboard.write_all(b"\x03").unwrap();
    // Less loses a key that it has read when the signal reaches it: a person presses it again.
    let left = (0..60).find_map(|_| {
        let _ = screen.keyboard.write_all(b"q");
        screen.ended_within(Duration::from_secs(1))
    });
    assert_eq!(left, Some(0), "{}", screen.text());
}

#[test]
fn a_watched_picture_is_drawn_over() {
    let api = Api::documented("analytics_funnel");
    let line = "konektor analytics funnel --watch 1";
    let mut screen = Screen::run(&api, 100, line, &[]);
    screen.until(|text| text.contains("Ctrl-C to stop"));
    while api.requests().len() < 3 {
        thread::sleep(Duration::from_millis(50));
    }
    let text = screen.until(|text| text.contains("lost") && text.contains("Ctrl-C to stop"));
    assert_eq!(text.matches("STATUS").count(), 1, "{text}");
    assert!(text.contains('█'), "{text}");

    screen.keyboard.write_all(b"\x03").unwrap();
    assert_eq!(screen.end(), 130);
    assert_eq!(screen.text().matches("STATUS").count(), 1);
}

#[test]
fn control_characters_do_nothing_to_a_terminal() {
    let mut body = example("leads_list");
    body["data"][0]["firstName"] = "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{9b}31mBudi\u{202e}".into();
    let api = Api::answering(success("leads_list", &body));
    for format in ["table", "json", "ndjson", "yaml", "csv", "tsv", "markdown"] {
        let line = format!("konektor leads list --columns firstName -o {format}");
        let mut screen = Screen::run(&api, 100, &line, &[("NO_COLOR", "1")]);
        assert_eq!(screen.end(), 0);
        assert!(
            screen.text().contains("Budi"),
            "{format}: {}",
            screen.text()
        );
        assert!(!screen.has_colors(), "{format}");
    }
}

/// Somebody who sits there may unlock it, and need not wait for that.
#[cfg(target_os = "linux")]
#[test]
fn a_keyring_that_is_waited_for_is_told_and_can_be_left() {
    let folder = tempfile::tempdir().unwrap();
    let bus = folder.path().join("bus");
    let listener = std::os::unix::net::UnixListener::bind(&bus).unwrap();
    thread::spawn(move || {
        let connections: Vec<_> = listener.incoming().map_while(Result::ok).collect();
        drop(connections);
    });
    let bus = format!("unix:path={}", bus.display());
    let variables = [
        ("DBUS_SESSION_BUS_ADDRESS", bus.as_str()),
        ("HOME", folder.path().to_str().unwrap()),
        ("KONEKTOR_API_KEY", ""),
    ];
    let api = Api::silent();
    for line in ["konektor leads list", "konektor leads export -"] {
        let mut screen = Screen::run(&api, 100, line, &variables);
        screen.until(|text| {
            text.contains("waiting for the keyring: it is locked or does not answer")
        });
        screen.keyboard.write_all(b"\x03").unwrap();
        let ended = screen.ended_within(Duration::from_secs(10));
        assert!(ended.is_some_and(|code| code != 0), "{}", screen.text());
    }
}

#[test]
fn errors_are_for_people_too() {
    let api = Api::silent();
    let mut screen = Screen::run(&api, 100, "konektor leads list --status qualifed", &[]);
    assert_eq!(screen.end(), 2);
    assert!(
        screen
            .text()
            .contains("a similar value exists: 'qualified'")
    );
}

/// A shell in a home of its own, where somebody types the lines that the help gives and presses Tab.
fn completes(line: &str, setup: &str) {
    let program = line.split(' ').next().unwrap();
    if std::process::Command::new(program)
        .arg("--version")
        .output()
        .is_err()
    {
        skipped(&format!(
            "{program}'s completion was not tried, there is no {program} here"
        ));
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let programs = std::path::Path::new(PROGRAM).parent().unwrap();
    let path = format!(
        "{}:{}",
        programs.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let variables = [("HOME", home.path().to_str().unwrap()), ("PATH", &path)];
    let api = Api::silent();
    let mut screen = Screen::run(&api, 100, line, &variables);
    let type_in = |screen: &mut Screen<'_>, keys: &str, wanted: &str| {
        screen.keyboard.write_all(keys.as_bytes()).unwrap();
        screen.until(|text| text.contains(wanted));
    };
    // What is typed is there too, but not without the quotes.
    type_in(&mut screen, &format!("{setup}; echo rea'dy'\r"), "ready");
    for (typed, completed) in [
        ("konektor lea\tups\t", "konektor leads upsert"),
        (
            "konektor leads list --created-f\t",
            "leads list --created-from",
        ),
        ("konektor leads list --status pro\t", "--status proposal"),
        (
            "konektor conversions status --output nd\t",
            "--output ndjson",
        ),
    ] {
        type_in(&mut screen, typed, completed);
        screen.keyboard.write_all(b"\x15").unwrap();
    }
    screen.keyboard.write_all(b"exit\r").unwrap();
    assert_eq!(screen.end(), 0);
}

#[test]
fn bash_completes() {
    completes(
        "bash --noprofile --norc -i",
        "source <(konektor completion bash)",
    );
}

#[test]
fn zsh_completes() {
    completes(
        "zsh -f -i",
        "mkdir ~/.zfunc; konektor completion zsh > ~/.zfunc/_konektor; \
         fpath=(~/.zfunc $fpath); autoload -U compinit; compinit -u -D",
    );
}

#[test]
fn fish_completes() {
    completes(
        "fish",
        "mkdir -p ~/.config/fish/completions; \
         konektor completion fish > ~/.config/fish/completions/konektor.fish",
    );
}
