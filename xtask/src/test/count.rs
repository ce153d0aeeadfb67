//! Counts the tests that ran, from libtest's output.

use std::fmt::{self, Display};

use anyhow::{Result, ensure};

/// The number of tests that ran, in total and on each engine.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    passed: usize,
    failed: usize,
    sqlite: usize,
    postgres: usize,
}

impl Count {
    /// Counts a line of libtest's output of the form `test <name> ... <verdict>`.
    ///
    /// The path of a test that runs on an engine has the name of the engine as a segment.
    pub(crate) fn add(&mut self, line: &str) {
        let Some((name, verdict)) = line
            .strip_prefix("test ")
            .and_then(|test| test.rsplit_once(" ... "))
        else {
            return;
        };
        match verdict.split([' ', ',']).next() {
            Some("ok") => self.passed += 1,
            Some("FAILED") => self.failed += 1,
            _ => return,
        }
        let runs_on = |engine| name.split("::").any(|segment| segment == engine);
        self.sqlite += usize::from(runs_on("sqlite"));
        self.postgres += usize::from(runs_on("postgres"));
    }

    /// Checks that as many tests ran on one engine as on the other.
    ///
    /// # Errors
    ///
    /// If the numbers differ, or no test ran on either engine.
    pub(crate) fn check_engines(&self) -> Result<()> {
        let Self {
            sqlite, postgres, ..
        } = self;
        ensure!(
            *sqlite > 0 && sqlite == postgres,
            "every test must run on both engines: {sqlite} ran on SQLite, {postgres} on PostgreSQL"
        );
        Ok(())
    }
}

impl Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "tests on SQLite: {}, on PostgreSQL: {}",
            self.sqlite, self.postgres
        )?;
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(lines: &[&str]) -> Count {
        let mut count = Count::default();
        for line in lines {
            count.add(line);
        }
        count
    }

    #[test]
    fn a_test_counts_for_the_engine_in_its_path() {
        let count = count(&[
            "running 4 tests",
            "test leads::create::sqlite ... ok",
            "test leads::create::postgres ... FAILED",
            "test phone::reads_local_numbers ... ok",
            "test leads::sqlite_url_is_read - should panic ... ok",
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; finished in 0.00s",
        ]);

        assert_eq!(
            count,
            Count {
                passed: 3,
                failed: 1,
                sqlite: 1,
                postgres: 1
            }
        );
    }

    #[test]
    fn an_ignored_test_has_not_run() {
        let count = count(&[
            "test big::sqlite ... ignored",
            "test a::postgres ... ignored, slow",
        ]);

        assert_eq!(count, Count::default());
    }

    #[test]
    fn engines_must_have_the_same_number_of_tests_and_at_least_one() {
        let with = |sqlite, postgres| Count {
            sqlite,
            postgres,
            ..Count::default()
        };

        assert!(with(2, 2).check_engines().is_ok());
        assert!(with(0, 0).check_engines().is_err());
        assert!(with(2, 1).check_engines().is_err());
    }
}
