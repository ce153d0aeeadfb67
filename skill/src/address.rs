//! The address of the API, and quoting for a shell.

use konektor_spec::Spec;

/// The public address without base path and without a trailing slash.
pub(crate) fn without_base_path(spec: &Spec, public_url: &str) -> String {
    let url = public_url.trim().trim_end_matches('/');
    url.strip_suffix(spec.base_path())
        .unwrap_or(url)
        .trim_end_matches('/')
        .to_owned()
}

/// A text as one word of a POSIX shell, quoted only if necessary.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_or_slash_at_the_end_is_tolerated() {
        for url in [
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8080/",
            "http://127.0.0.1:8080/api/v2/agent",
            " http://127.0.0.1:8080/api/v2/agent/ ",
        ] {
            assert_eq!(
                without_base_path(Spec::builtin(), url),
                "http://127.0.0.1:8080"
            );
        }
    }

    #[test]
    fn a_path_before_the_base_path_stays() {
        let url = "https://example.com/konektor/api/v2/agent";
        assert_eq!(
            without_base_path(Spec::builtin(), url),
            "https://example.com/konektor"
        );
    }

    #[test]
    fn a_shell_reads_a_word_as_it_was() {
        assert_eq!(shell_word("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_word(""), "''");
    }
}
