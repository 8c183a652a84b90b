//! The paths in a config. A run keeps them absolute, so that it can be resumed from another folder.

use super::TrainConfig;
use gan_data::Source;
use std::path::{Path, PathBuf};

impl TrainConfig {
    /// The same config with every path absolute. A data set that is not there keeps the name it was given.
    pub fn with_absolute_paths(self) -> Self {
        self.with_paths(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
    }

    /// The same config with the paths below the current folder as they are seen from there: what messages and
    /// records call a data set is then what its user calls it.
    pub fn with_short_paths(self) -> Self {
        let Ok(here) = std::env::current_dir() else { return self };
        self.with_paths(|path| match path.strip_prefix(&here) {
            Ok(below) if below.as_os_str().is_empty() => ".".into(),
            Ok(below) => below.to_owned(),
            Err(_) => path.to_owned(),
        })
    }

    /// A path at which there is nothing, and the flag that gives another.
    pub fn missing_path(&self) -> Option<(&'static str, PathBuf)> {
        let dataset = path_in(&self.data.dataset).map(|at| PathBuf::from(&self.data.dataset[at..]));
        let paths = [
            ("--dataset", dataset),
            ("--data-dir", self.data.data_dir.clone()),
            ("--labels", self.data.labels.clone()),
            ("--feature-weights", self.evaluation.feature_weights.clone()),
        ];
        let missing = |path: &PathBuf| matches!(path.try_exists(), Ok(false));
        paths.into_iter().find_map(|(flag, path)| Some((flag, path.filter(missing)?)))
    }

    fn with_paths(mut self, change: impl Fn(&Path) -> PathBuf) -> Self {
        if let Some(at) = path_in(&self.data.dataset) {
            let (kind, path) = self.data.dataset.split_at(at);
            // Without a kind it may be a name that is spelled wrong.
            if at > 0 || Path::new(path).exists() {
                let changed = change(Path::new(path));
                self.data.dataset =
                    changed.to_str().map_or(self.data.dataset.clone(), |path| format!("{kind}{path}"));
            }
        }
        self.data.data_dir = self.data.data_dir.as_deref().map(&change);
        self.data.labels = self.data.labels.as_deref().map(&change);
        self.evaluation.feature_weights = self.evaluation.feature_weights.as_deref().map(&change);
        self
    }
}

/// Where in the name of a data set a path begins, if it is, or holds, one: in `folder:photos` behind the
/// colon.
fn path_in(name: &str) -> Option<usize> {
    if Source::NAMES.contains(&name) {
        return None;
    }
    match name.split_once(':') {
        Some((kind, path)) if Source::NAMES.contains(&format!("{kind}:PATH").as_str()) => {
            (!path.is_empty()).then_some(kind.len() + 1)
        }
        Some(("hub", _)) => None,
        _ => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dataset: &str) -> TrainConfig {
        let mut config = TrainConfig::default();
        config.data.dataset = dataset.into();
        config
    }

    #[test]
    fn paths_become_absolute_and_names_stay() {
        let here = std::env::current_dir().unwrap();
        let here = here.to_str().unwrap();
        for (name, absolute) in [
            ("folder:photos", format!("folder:{here}/photos")),
            ("parquet:a/b.parquet", format!("parquet:{here}/a/b.parquet")),
            ("src", format!("{here}/src")), // the folder of this crate's sources
            ("folder:/photos", "folder:/photos".into()),
            ("digits", "digits".into()),
            ("mnits", "mnits".into()),
            ("hub:owner/name@v1", "hub:owner/name@v1".into()),
            ("folder:", "folder:".into()),
        ] {
            let changed = config(name).with_absolute_paths();
            assert_eq!(changed.data.dataset, absolute);
            assert_eq!(changed.clone().with_absolute_paths(), changed);
            assert_eq!(changed.with_short_paths().data.dataset, name);
        }
        let mut config = TrainConfig::default();
        config.data.data_dir = Some("mnist".into());
        config.data.labels = Some("labels.csv".into());
        let changed = config.clone().with_absolute_paths();
        assert_eq!(changed.data.data_dir, Some(format!("{here}/mnist").into()));
        assert_eq!(changed.data.labels, Some(format!("{here}/labels.csv").into()));
        assert_eq!(changed.with_short_paths(), config);
        assert_eq!(config_of_the_folder_itself(), ".");
    }

    fn config_of_the_folder_itself() -> String {
        config(".").with_absolute_paths().with_short_paths().data.dataset
    }

    #[test]
    fn what_is_missing_is_named_with_its_flag() {
        assert_eq!(config("digits").missing_path(), None);
        assert_eq!(config("folder:src").missing_path(), None);
        assert_eq!(config("folder:no/such").missing_path(), Some(("--dataset", "no/such".into())));
        assert_eq!(config("/no/such").missing_path(), Some(("--dataset", "/no/such".into())));
        let mut moved = config("mnist");
        moved.data.data_dir = Some("/no/mnist".into());
        assert_eq!(moved.missing_path(), Some(("--data-dir", "/no/mnist".into())));
    }
}
