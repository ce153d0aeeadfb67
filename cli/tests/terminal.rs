//! The program on a real terminal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers fail the test that calls them")]

mod support;

use std::{process::Command, thread, time::Duration};

use konektor_testing::{KEY, Terminal, example, success};
use serde_json::json;
use support::{Api, skipped};

const PROGRAM: &str = env!("CARGO_BIN_EXE_konektor");

/// Starts a command line on a terminal, with these variables and no others. The program talks to `api`.
fn start(api: &Api, columns: u16, line: &str, variables: &[(&str, &str)]) -> Terminal {
    let words = shlex::split(line).unwrap();
    let mut command = match words[0].as_str() {
        "konektor" => Command::new(PROGRAM),
        other => Command::new(other),
    };
    command.args(&words[1..]);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name != "PATH") {
        command.env_remove(name);
    }
    command
        .env("TERM", "xterm-256color")
        .env("TZ", "UTC")
        .env("KONEKTOR_API_KEY", KEY)
        .env("KONEKTOR_BASE_URL", api.server.uri())
        .envs(variables.iter().copied());
    Terminal::start(&command, columns)
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
        let mut screen = start(&api, columns, "konektor leads list", &[]);
        assert_eq!(screen.wait(), 0);
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
        let mut screen = start(&api, 100, "konektor leads list", variables);
        assert_eq!(screen.wait(), 0);
        assert_eq!(screen.has_colors(), colors, "{variables:?}");
    }
}

#[test]
fn what_does_not_fit_goes_through_the_pager() {
    let pager = [("PAGER", "sh -c 'echo PAGED; cat'")];
    let line = "konektor leads list";
    let api = leads(40);
    let mut long = start(&api, 100, line, &pager);
    assert_eq!(long.wait(), 0);
    assert!(long.text().contains("Budi"));
    long.scroll_to_top();
    assert!(long.text().starts_with("PAGED"), "{}", long.text());

    let api = leads(10);
    let mut short = start(&api, 100, line, &pager);
    assert_eq!(short.wait(), 0);
    assert!(!short.text().contains("PAGED"));

    for none in ["", "cat"] {
        let variables = [pager[0], ("KONEKTOR_PAGER", none)];
        let api = leads(40);
        let mut straight = start(&api, 100, line, &variables);
        assert_eq!(straight.wait(), 0);
        straight.scroll_to_top();
        assert!(straight.text().starts_with(" NAME"), "{}", straight.text());
    }

    let missing = [("PAGER", "no-such-pager --at-all")];
    let api = leads(40);
    let mut straight = start(&api, 100, line, &missing);
    assert_eq!(straight.wait(), 0);
    assert!(straight.text().contains("Budi"), "{}", straight.text());
}

#[test]
fn less_can_be_left_at_any_time() {
    if Command::new("less").arg("--version").output().is_err() {
        skipped("less was not tried, it is not installed");
        return;
    }
    let api = leads(100);
    let mut screen = start(&api, 100, "konektor leads list", &[]);
    let text = screen.wait_until(|text| text.trim_end().ends_with(':'));
    assert!(text.starts_with(" NAME"), "{text}");
    // Ctrl-C is for less: it only stops what less is doing.
    screen.type_in("\x03");
    // Less loses a key that it has read when the signal reaches it: a person presses it again.
    let left = (0..60).find_map(|_| {
        screen.type_in("q");
        screen.wait_timeout(Duration::from_secs(1))
    });
    assert_eq!(left, Some(0), "{}", screen.text());
}

#[test]
fn a_watched_picture_is_drawn_over() {
    let api = Api::documented("analytics_funnel");
    let line = "konektor analytics funnel --watch 1";
    let mut screen = start(&api, 100, line, &[]);
    screen.wait_until(|text| text.contains("Ctrl-C to stop"));
    while api.requests().len() < 3 {
        thread::sleep(Duration::from_millis(50));
    }
    let text = screen.wait_until(|text| text.contains("lost") && text.contains("Ctrl-C to stop"));
    assert_eq!(text.matches("STATUS").count(), 1, "{text}");
    assert!(text.contains('█'), "{text}");

    screen.type_in("\x03");
    assert_eq!(screen.wait(), 130);
    assert_eq!(screen.text().matches("STATUS").count(), 1);
}

#[test]
fn control_characters_do_nothing_to_a_terminal() {
    let mut body = example("leads_list");
    body["data"][0]["firstName"] = "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{9b}31mBudi\u{202e}".into();
    let api = Api::answering(success("leads_list", &body));
    for format in ["table", "json", "ndjson", "yaml", "csv", "tsv", "markdown"] {
        let line = format!("konektor leads list --columns firstName -o {format}");
        let mut screen = start(&api, 100, &line, &[("NO_COLOR", "1")]);
        assert_eq!(screen.wait(), 0);
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
        let mut screen = start(&api, 100, line, &variables);
        screen.wait_until(|text| {
            text.contains("waiting for the keyring: it is locked or does not answer")
        });
        screen.type_in("\x03");
        let ended = screen.wait_timeout(Duration::from_secs(10));
        assert!(ended.is_some_and(|code| code != 0), "{}", screen.text());
    }
}

#[test]
fn errors_are_for_people_too() {
    let api = Api::silent();
    let mut screen = start(&api, 100, "konektor leads list --status qualifed", &[]);
    assert_eq!(screen.wait(), 2);
    assert!(
        screen
            .text()
            .contains("a similar value exists: 'qualified'")
    );
}

/// A shell in a home of its own, where somebody types the lines that the help gives and presses Tab.
fn completes(line: &str, setup: &str) {
    let program = line.split(' ').next().unwrap();
    if Command::new(program).arg("--version").output().is_err() {
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
    let mut screen = start(&api, 100, line, &variables);
    let type_in = |screen: &mut Terminal, keys: &str, wanted: &str| {
        screen.type_in(keys);
        screen.wait_until(|text| text.contains(wanted));
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
        screen.type_in("\x15");
    }
    screen.type_in("exit\r");
    assert_eq!(screen.wait(), 0);
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
