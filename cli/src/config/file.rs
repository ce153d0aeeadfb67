//! The config file, which contains the profiles.

use std::path::{Path, PathBuf};

use toml_edit::{Document, DocumentMut, Item, Table, value};

use super::store;
use crate::error::Failure;

/// The profile if none is named.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// The profiles with their settings, and the name of the current one. Changes keep comments and order.
#[derive(Debug, Default)]
pub(crate) struct Config {
    path: Option<PathBuf>,
    document: DocumentMut,
    /// The text that was read, for line numbers.
    text: String,
}

const PROFILE: &str = "profile";
const PROFILES: &str = "profiles";

impl Config {
    /// Reads the file in a folder. Without a file or folder there are no profiles.
    ///
    /// # Errors
    /// When it cannot be read, or is not TOML.
    pub(crate) fn read(folder: Option<&Path>) -> Result<Self, Failure> {
        let config = Self::unread(folder);
        let Some(path) = config.path() else {
            return Ok(config);
        };
        let text = store::read(path)?.unwrap_or_default();
        let document = text
            .parse::<DocumentMut>()
            .map_err(|error| not_toml(path, &text, &error))?;
        let config = Self {
            document,
            text,
            ..config
        };
        match config.odd_table() {
            Some(place) => Err(Failure::usage(format!(
                "{place}: a profile is a table, like [{PROFILES}.{DEFAULT_PROFILE}]"
            ))),
            None => Ok(config),
        }
    }

    /// The place of a value that should be a table of profiles or a profile.
    fn odd_table(&self) -> Option<String> {
        let profiles = self.document.get(PROFILES)?;
        let Some(profiles) = profiles.as_table_like() else {
            return Some(self.place_of(&[PROFILES]));
        };
        let odd = profiles.iter().find(|(_, item)| !item.is_table_like());
        odd.map(|(name, _)| self.place_of(&[PROFILES, name]))
    }

    /// The file in a folder, treated as empty.
    pub(crate) fn unread(folder: Option<&Path>) -> Self {
        Self {
            path: folder.map(|folder| folder.join("config.toml")),
            ..Self::default()
        }
    }

    /// The path, whether or not the file exists.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The path, whether or not the file exists.
    ///
    /// # Errors
    /// When there is no folder for it.
    pub(crate) fn file(&self) -> Result<&Path, Failure> {
        self.path().ok_or_else(Failure::no_config_folder)
    }

    /// The profile to use when neither a flag nor the environment names one.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.document.get(PROFILE)?.as_str()
    }

    /// Whether the name of the current profile is not a string.
    pub(crate) fn has_odd_profile(&self) -> bool {
        self.document
            .get(PROFILE)
            .is_some_and(|profile| profile.as_str().is_none())
    }

    /// The file and line of a name: `~/.config/konektor/config.toml:3`. A name that is not in the file has no line.
    pub(crate) fn place_of(&self, names: &[&str]) -> String {
        let path = self.path.as_deref().unwrap_or(Path::new("config.toml"));
        match self.line_of(names) {
            Some(line) => format!("{}:{line}", path.display()),
            None => path.display().to_string(),
        }
    }

    /// The same for a setting of a profile.
    pub(crate) fn place_of_setting(&self, profile: &str, setting: &str) -> String {
        self.place_of(&[PROFILES, profile, setting])
    }

    fn line_of(&self, names: &[&str]) -> Option<usize> {
        let document = Document::parse(self.text.as_str()).ok()?;
        let (last, above) = names.split_last()?;
        let table = above
            .iter()
            .try_fold(document.as_item(), |item, name| item.get(name))?;
        let (key, _) = table.as_table_like()?.get_key_value(last)?;
        let start = key.span()?.start;
        Some(line_at(&self.text, start))
    }

    /// The unknown names outside the profiles.
    pub(crate) fn unknown_names(&self) -> impl Iterator<Item = &str> {
        self.document
            .iter()
            .map(|(name, _)| name)
            .filter(|name| ![PROFILE, PROFILES].contains(name))
    }

    pub(crate) fn profiles(&self) -> impl Iterator<Item = &str> {
        self.tables().map(|(name, _)| name)
    }

    /// A setting of a profile; numbers and booleans as text.
    pub(crate) fn get(&self, profile: &str, setting: &str) -> Option<String> {
        let item = self.document.get(PROFILES)?.get(profile)?.get(setting)?;
        match item.as_str() {
            Some(text) => Some(text.to_owned()),
            None => Some(item.to_string().trim().to_owned()),
        }
    }

    /// The names of the settings in a profile, including unknown ones.
    pub(crate) fn names(&self, profile: &str) -> impl Iterator<Item = &str> {
        self.tables()
            .filter(move |(name, _)| *name == profile)
            .flat_map(|(_, table)| table.iter().map(|(name, _)| name))
    }

    fn tables(&self) -> impl Iterator<Item = (&str, &dyn toml_edit::TableLike)> {
        let profiles = self.document.get(PROFILES).and_then(Item::as_table_like);
        profiles
            .into_iter()
            .flat_map(toml_edit::TableLike::iter)
            .filter_map(|(name, item)| Some((name, item.as_table_like()?)))
    }

    /// Changes the file under a lock.
    ///
    /// # Errors
    /// When there is no folder for it, or it cannot be written.
    pub(crate) fn change(
        folder: Option<&Path>,
        change: impl FnOnce(&mut Self),
    ) -> Result<(), Failure> {
        let folder = folder.ok_or_else(Failure::no_config_folder)?;
        let _lock = store::lock(folder)?;
        let mut config = Self::read(Some(folder))?;
        change(&mut config);
        match &config.path {
            Some(path) => store::write(path, &config.document.to_string()),
            None => Ok(()),
        }
    }

    pub(crate) fn use_profile(&mut self, profile: &str) {
        self.document[PROFILE] = value(profile);
    }

    pub(crate) fn set(&mut self, profile: &str, setting: &str, text: &str) {
        self.add(profile);
        self.document[PROFILES][profile][setting] = value(text);
    }

    /// Adds a profile if it does not exist.
    pub(crate) fn add(&mut self, profile: &str) {
        let profiles = self.document.entry(PROFILES).or_insert_with(implicit_table);
        if profiles.get(profile).is_none() {
            profiles[profile] = Item::Table(Table::new());
        }
    }

    pub(crate) fn unset(&mut self, profile: &str, setting: &str) {
        if let Some(table) = self
            .document
            .get_mut(PROFILES)
            .and_then(|profiles| profiles.get_mut(profile))
            .and_then(Item::as_table_like_mut)
        {
            table.remove(setting);
        }
    }
}

/// A table without a header of its own in the file.
fn implicit_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

/// Does not use the parser's display, which quotes the line and could contain a secret.
fn not_toml(path: &Path, text: &str, error: &toml_edit::TomlError) -> Failure {
    let start = error.span().map_or(0, |span| span.start);
    let line = line_at(text, start);
    Failure::usage(format!(
        "{}: line {line} is not TOML: {}",
        path.display(),
        error.message()
    ))
}

fn line_at(text: &str, place: usize) -> usize {
    text.get(..place).unwrap_or_default().matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_by_its_line() {
        let folder = folder_with(
            "# mine\nprofile = \"toko\"\n\n[profiles.toko]\noutput = \"json\"\n\n[profiles]\nother = { max-wait = 5 }\n",
        );
        let config = Config::read(Some(folder.path())).unwrap();
        let path = config.path().unwrap().display().to_string();
        assert_eq!(config.place_of(&["profile"]), format!("{path}:2"));
        assert_eq!(
            config.place_of_setting("toko", "output"),
            format!("{path}:5")
        );
        assert_eq!(
            config.place_of_setting("other", "max-wait"),
            format!("{path}:8")
        );
        assert_eq!(config.place_of_setting("nobody", "output"), path);
    }

    fn folder_with(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        folder
    }

    fn text(folder: &tempfile::TempDir) -> String {
        std::fs::read_to_string(folder.path().join("config.toml")).unwrap()
    }

    #[test]
    fn a_change_leaves_what_people_wrote() {
        let folder = folder_with(
            "# mine\nprofile = \"toko\"\n\n[profiles.toko]\noutput = \"json\" # for scripts\n",
        );
        Config::change(Some(folder.path()), |config| {
            config.set("toko", "max-wait", "5m");
            config.set("other", "output", "csv");
        })
        .unwrap();
        insta::assert_snapshot!(text(&folder), @r#"
        # mine
        profile = "toko"

        [profiles.toko]
        output = "json" # for scripts
        max-wait = "5m"

        [profiles.other]
        output = "csv"
        "#);
    }

    #[test]
    fn a_first_change_makes_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("new/konektor");
        Config::change(Some(&inside), |config| {
            config.set("default", "output", "json");
        })
        .unwrap();
        let config = Config::read(Some(&inside)).unwrap();
        assert_eq!(config.get("default", "output").as_deref(), Some("json"));
        assert_eq!(config.profiles().collect::<Vec<_>>(), ["default"]);
    }

    #[test]
    fn what_is_unset_is_gone_and_nothing_else() {
        let folder = folder_with("[profiles.a]\noutput = \"json\"\nmax-wait = 5\n");
        Config::change(Some(folder.path()), |config| config.unset("a", "output")).unwrap();
        assert_eq!(text(&folder), "[profiles.a]\nmax-wait = 5\n");
        let config = Config::read(Some(folder.path())).unwrap();
        assert_eq!(config.get("a", "max-wait").as_deref(), Some("5"));
    }

    #[test]
    fn a_broken_file_names_its_line_and_quotes_nothing() {
        let folder = folder_with("profile = \"a\"\nkey = kna_secret\n");
        let failure = Config::read(Some(folder.path())).unwrap_err();
        let told = failure.lines().join("\n");
        assert!(told.contains("config.toml: line 2 is not TOML"), "{told}");
        assert!(!told.contains("kna_secret"), "{told}");
    }

    #[test]
    fn what_stands_in_the_place_of_a_profile_is_told_and_left() {
        for (text, line) in [("profiles = 5\n", 1), ("[profiles]\ntoko = \"x\"\n", 2)] {
            let folder = folder_with(text);
            let failure = Config::read(Some(folder.path())).unwrap_err();
            let place = format!("config.toml:{line}: a profile is a table");
            assert!(failure.message().contains(&place), "{failure:?}");
            let change = Config::change(Some(folder.path()), |config| {
                config.set("toko", "output", "json");
            });
            assert!(change.is_err());
            assert_eq!(self::text(&folder), text);
        }
    }

    #[test]
    fn many_changes_at_once_all_stay() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for number in 0..16 {
                let folder = folder.path();
                scope.spawn(move || {
                    Config::change(Some(folder), |config| {
                        config.set(&format!("p{number}"), "output", "json");
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(
            Config::read(Some(folder.path()))
                .unwrap()
                .profiles()
                .count(),
            16
        );
    }
}
