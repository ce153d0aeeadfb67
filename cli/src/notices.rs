//! Words to whoever waits, beside a progress bar if there is one.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::ProgressBar;
use konektor_sdk::Wait;

/// Writes one line to people.
pub type Notify = fn(&str);

/// Where the words go.
pub(crate) struct Notices {
    notify: Notify,
    bar: Mutex<Option<ProgressBar>>,
}

impl Notices {
    pub(crate) fn new(notify: Notify) -> Self {
        Self {
            notify,
            bar: Mutex::new(None),
        }
    }

    /// Puts the words above a progress bar from now on.
    pub(crate) fn above(&self, bar: Option<ProgressBar>) {
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }

    /// Says how long the program waits before it tries again, if that is long enough to be noticed.
    pub(crate) fn waiting(&self, wait: Wait) {
        const NOTICED: Duration = Duration::from_millis(900);

        if wait.time < NOTICED {
            return;
        }
        let seconds = wait.time.as_secs_f64().round();
        let why = match (wait.status, wait.limit) {
            (Some(429), Some(limit)) => {
                format!("the workspace may send {limit} requests a minute")
            }
            (Some(429), None) => "there were too many requests".to_owned(),
            (Some(status), _) => format!("the server answered {status}"),
            (None, _) => "the server was not reached".to_owned(),
        };
        self.say(&format!("waiting {seconds} s: {why}"));
    }

    pub(crate) fn say(&self, line: &str) {
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match &*bar {
            // One that nobody sees swallows them.
            Some(bar) if !bar.is_hidden() => bar.println(line),
            _ => (self.notify)(line),
        }
    }
}
