//! Messages to a person who waits, above a progress bar if there is one.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::ProgressBar;

use crate::{base::sanitize, env::Notify};

/// Writes messages while requests wait.
pub(crate) struct StatusLine {
    notify: Notify,
    /// The status that caused the last wait, and its end.
    last_wait: Mutex<Option<(Option<u16>, Instant)>>,
    bar: Mutex<Option<ProgressBar>>,
}

impl StatusLine {
    pub(crate) fn new(notify: Notify) -> Self {
        Self {
            notify,
            last_wait: Mutex::new(None),
            bar: Mutex::new(None),
        }
    }

    /// Writes messages above this progress bar from now on.
    pub(crate) fn above(&self, bar: Option<ProgressBar>) {
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }

    /// Reports a wait before a retry, if it is long enough to notice.
    pub(crate) fn waiting(&self, time: Duration, status: Option<u16>, limit: Option<u64>) {
        const NOTICED: Duration = Duration::from_millis(900);

        if time < NOTICED || self.is_told(time, status) {
            return;
        }
        let seconds = time.as_secs_f64().round();
        let why = match (status, limit) {
            (Some(429), Some(limit)) => {
                format!("rate limit of {limit} requests a minute reached")
            }
            (Some(429), None) => "rate limit reached".to_owned(),
            (Some(status), _) => format!("the server answered with status {status}"),
            (None, _) => "the server could not be reached".to_owned(),
        };
        self.say(&format!("retrying in {seconds} s: {why}"));
    }

    /// Whether a similar wait of a concurrent request has been reported. Such waits end within a short time of each
    /// other.
    fn is_told(&self, time: Duration, status: Option<u16>) -> bool {
        const SAME: Duration = Duration::from_secs(2);
        // A longer duration could overflow `Instant`.
        const LONGEST: Duration = Duration::from_hours(24 * 365);

        let mut last = self
            .last_wait
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let end = now + time.min(LONGEST);
        let told =
            last.is_some_and(|(before, told)| before == status && now < told && end < told + SAME);
        if !told {
            *last = Some((status, end));
        }
        told
    }

    pub(crate) fn say(&self, line: &str) {
        let line = &sanitize::line(line);
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match &*bar {
            // A hidden bar drops messages.
            Some(bar) if !bar.is_hidden() => bar.println(line),
            _ => (self.notify)(line),
        }
    }
}
