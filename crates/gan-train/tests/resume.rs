//! A run that is stopped and resumed ends with the bits of one that never stopped.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::Device;
use gan_data::{Dataset, Image, Sample};
use gan_models::{Architecture, Conditional};
use gan_train::config::{Setting, settings};
use gan_train::{
    Checkpoint, Error, Gan, Metadata, PartialConfig, RunDir, StepStats, System, TrainConfig, run,
};
use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Colour images of three classes, every pixel of which says which image it is.
struct Images(usize);

impl Dataset for Images {
    fn name(&self) -> &str {
        "images"
    }

    fn len(&self) -> usize {
        self.0
    }

    fn channels(&self) -> usize {
        3
    }

    fn classes(&self) -> Option<usize> {
        Some(3)
    }

    fn get(&self, index: usize) -> gan_data::Result<Sample> {
        let (width, height, channels) = (20, 24, 3);
        let pixels = (0..width * height * channels).map(|i| (i * (2 * index + 3) % 251) as u8).collect();
        Ok(Sample { image: Image { width, height, channels, pixels }, label: Some(index as u32 % 3) })
    }
}

/// Two epochs are 30 steps; everything random is on.
fn config() -> TrainConfig {
    let text = "image_size = 16\nbase_width = 2\nlatent_dim = 5\nbatch_size = 4\nn_critic = 2\nema = 0.9\n\
                flip = true\ncrop = 'random-resized'\ncolor_jitter = 0.2\nworkers = 2\nsteps = 30\nlog_every = 1\n\
                sample_every = 1000\ncheckpoint_every = 1000\nlabel_smoothing = 0.1\n";
    TrainConfig::from_toml(text).unwrap().resolve().unwrap()
}

/// The same with other settings.
fn with(more: &str) -> TrainConfig {
    let mut partial = PartialConfig::of(&config());
    partial.override_with(PartialConfig::from_toml(more).unwrap());
    partial.into_config().unwrap()
}

fn images() -> Arc<dyn Dataset> {
    Arc::new(Images(120)) // 30 batches an epoch
}

/// Trains in a folder, from its newest checkpoint if there is one, and breaks off after step `until`.
fn train(folder: &Path, config: &TrainConfig, until: u64) -> run::Summary {
    let run = match folder.exists() {
        true => RunDir::open(folder).unwrap(),
        false => RunDir::create(Some(folder), config).unwrap(),
    };
    let from = run.latest_checkpoint().unwrap();
    let mut on_step = |stats: &StepStats| match stats.step < until {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    train_on(images(), config, &run, from.as_ref(), &mut on_step)
}

fn train_on(
    images: Arc<dyn Dataset>,
    config: &TrainConfig,
    run: &RunDir,
    from: Option<&Checkpoint>,
    on_step: &mut dyn FnMut(&StepStats) -> ControlFlow<()>,
) -> run::Summary {
    let steps = config.run.steps.unwrap();
    let mut about = config.metadata(images.as_ref(), &Device::Cpu).unwrap().with_steps(steps);
    if let Some(from) = from {
        about.keep_class_names(from.metadata()).unwrap();
    }
    let mut gan = Gan::from_config(config, &about.model().unwrap(), images, &Device::Cpu).unwrap();
    run::train(&mut gan, &config.run_options(steps), &about, run, from, None, on_step).unwrap()
}

/// The bytes of all files of a checkpoint.
fn bytes(run: &Path, step: u64) -> BTreeMap<String, Vec<u8>> {
    let folder = run.join(format!("checkpoints/step-{step:06}"));
    let file =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    fs::read_dir(folder).unwrap().map(|entry| file(entry.unwrap())).collect()
}

/// The lines of the metrics log, without what depends on the clock.
fn metrics(run: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        for of_the_clock in ["images_per_second", "seconds"] {
            line.as_object_mut().unwrap().remove(of_the_clock).unwrap();
        }
        line
    };
    text.lines().map(line).collect()
}

#[test]
fn resuming_at_every_step_of_two_epochs_gives_the_same_bytes_and_the_same_log() {
    let folder = tempfile::tempdir().unwrap();
    let reference = folder.path().join("reference");
    let config = config();
    assert!(train(&reference, &config, u64::MAX).complete);
    let (wanted, wanted_log) = (bytes(&reference, 30), metrics(&reference));
    assert_eq!(wanted.len(), 5);
    assert_eq!(wanted_log.len(), 30);
    for k in 1..30 {
        let run = folder.path().join(format!("{k}"));
        let first = train(&run, &config, k);
        assert_eq!((first.steps, first.complete), (k, false));
        let second = train(&run, &config, u64::MAX);
        assert_eq!((second.steps, second.complete), (30, true));
        assert!(bytes(&run, 30) == wanted, "stopped at {k}");
        assert_eq!(metrics(&run), wanted_log, "stopped at {k}");
    }
}

#[test]
fn a_run_that_stops_at_every_step_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (reference, often) = (folder.path().join("reference"), folder.path().join("often"));
    // The last batch of an epoch is smaller here, nothing is averaged, and all that is drawn or counted beside it is on.
    let config = with(
        "steps = 20\nema = 0.0\ndrop_last = false\nbatch_size = 7\noptimizer = 'rmsprop'\nbeta2 = 0.9\n\
         lr_d = 1e-3\nschedule = 'cosine'\ndecay_steps = 25\naccumulate = 2\ninstance_noise = 0.1\n\
         augment = 'color,translation,cutout'\nada_target = 0.6\nlabel_noise = 0.1\nclip_grad = 0.5\n\
         norm_d = 'spectral'\ngradient_penalty = 1.0\nr1 = 0.1\npenalty_every = 3",
    );
    train(&reference, &config, u64::MAX);
    for step in 1..=20 {
        assert_eq!(train(&often, &config, step).steps, step);
        assert!(often.join(format!("samples/step-{step:06}.png")).is_file(), "a stop shows what there is");
    }
    assert!(bytes(&often, 20) == bytes(&reference, 20));
    assert_eq!(metrics(&often), metrics(&reference));
}

#[test]
fn so_does_one_of_conditional_networks_with_spectral_norm_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    for (conditional, model) in
        [(Conditional::Projection, Architecture::Sagan), (Conditional::Acgan, Architecture::Dcgan)]
    {
        let run = |name: &str| folder.path().join(format!("{name} {}", conditional.name()));
        let of = |sample_every| {
            with(&format!(
                "conditional = '{conditional}'\nmodel = '{model}'\nsteps = 8\nsample_every = {sample_every}"
            ))
        };
        // Samples are drawn at other steps, which must leave no trace in the averaged network.
        train(&run("reference"), &of(3), u64::MAX);
        let config = of(1000);
        for step in 1..=8 {
            assert_eq!(train(&run("often"), &config, step).steps, step);
        }
        let without_config = |run: &Path| {
            let mut files = bytes(run, 8);
            files.retain(|name, _| name.ends_with(".safetensors"));
            files
        };
        assert!(without_config(&run("often")) == without_config(&run("reference")), "{model:?}");
    }
}

/// What other devices do, without kernels: all of it is on, as above, and the networks are conditional.
#[test]
fn a_run_that_stops_and_resumes_on_references_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let config = with(
        "conditional = 'projection'\nsteps = 6\ngradient_penalty = 1.0\nnorm_d = 'layer'\nclip_grad = 0.5",
    );
    gan_ops::reference::only(|| {
        let (reference, stopped) = (folder.path().join("reference"), folder.path().join("stopped"));
        train(&reference, &config, u64::MAX);
        assert_eq!(train(&stopped, &config, 3).steps, 3);
        assert_eq!(train(&stopped, &config, u64::MAX).steps, 6);
        assert!(bytes(&stopped, 6) == bytes(&reference, 6));
    });
}

/// The same images, whose classes have names.
struct Named;

impl Dataset for Named {
    fn name(&self) -> &str {
        "named"
    }

    fn len(&self) -> usize {
        120
    }

    fn channels(&self) -> usize {
        3
    }

    fn classes(&self) -> Option<usize> {
        Some(3)
    }

    fn class_names(&self) -> Vec<String> {
        ["cat", "dog", "cow"].map(String::from).to_vec()
    }

    fn get(&self, index: usize) -> gan_data::Result<Sample> {
        Images(120).get(index)
    }

    fn digest(&self) -> [u8; 32] {
        Images(120).digest()
    }
}

/// Names of classes may become known after a run began, as when a reader learns to read them.
#[test]
fn a_run_keeps_the_names_that_its_classes_had_at_first() {
    let folder = tempfile::tempdir().unwrap();
    let config = with("conditional = 'concat'\nsteps = 4");
    let named = config.metadata(&Named, &Device::Cpu).unwrap();
    let classes = |of: &Metadata| of.model().unwrap().classes;
    assert_eq!(classes(&named), ["cat", "dog", "cow"]);
    let path = folder.path().join("run");
    train(&path, &config, 2);
    let run = RunDir::open(&path).unwrap();
    let from = run.latest_checkpoint().unwrap().unwrap();
    assert_eq!(classes(from.metadata()), ["0", "1", "2"]);
    assert_eq!(from.metadata().changes(&named), [""; 0]);
    let mut on_step = |_: &StepStats| ControlFlow::Continue(());
    train_on(Arc::new(Named), &config, &run, Some(&from), &mut on_step);
    let last = run.latest_checkpoint().unwrap().unwrap();
    assert_eq!((last.metadata().step(), last.metadata().model()), (4, from.metadata().model()));
    let generator =
        gan_models::load_generator(&run.model_path(4, "generator.safetensors"), &Device::Cpu).unwrap();
    assert_eq!(generator.class_names(), ["0", "1", "2"]);

    // A data set of more classes than the run knows is another.
    let horse = toml::Value::from("horse");
    let mut more = named.clone();
    more.about["model"].as_table_mut().unwrap()["classes"].as_array_mut().unwrap().push(horse);
    more.keep_class_names(from.metadata()).unwrap();
    assert_eq!(classes(&more).len(), 4);
}

/// Makes a checkpoint one as it was before there were systems, players and sections of settings.
fn as_before(checkpoint: &Path) {
    use sha2::{Digest, Sha256};
    let read = |file: &str| fs::read(checkpoint.join(file)).unwrap();
    let mut new: serde_json::Value = serde_json::from_slice(&read("checkpoint.json")).unwrap();
    let mut counters = new["counters"].take();
    counters.as_object_mut().unwrap().retain(|name, _| !name.starts_with("best."));
    let flat = PartialConfig::of(&config());
    let config: BTreeMap<_, _> = flat.iter().map(|(key, value)| (key, value.clone())).collect();
    let old = serde_json::json!({
        "format": 1, "counters": counters, "model": new["about"]["model"], "data": new["data"][0],
        "config": config, "program": new["program"],
    });
    fs::write(checkpoint.join("checkpoint.json"), serde_json::to_vec_pretty(&old).unwrap()).unwrap();
    let tensors = candle_core::safetensors::load_buffer(&read("training.safetensors"), &Device::Cpu).unwrap();
    let tensors: std::collections::HashMap<String, candle_core::Tensor> =
        tensors.into_iter().map(|(name, tensor)| (name.replace("ema_g.", "ema."), tensor)).collect();
    candle_core::safetensors::save(&tensors, checkpoint.join("training.safetensors")).unwrap();
    let files =
        ["checkpoint.json", "discriminator.safetensors", "generator.safetensors", "training.safetensors"];
    let sum = |file: &&str| {
        let digest = Sha256::digest(read(file));
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{digest}  {file}\n")
    };
    fs::write(checkpoint.join("SHA256SUMS"), files.iter().map(sum).collect::<String>()).unwrap();
}

#[test]
fn a_checkpoint_of_before_there_were_systems_is_resumed_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (reference, old) = (folder.path().join("reference"), folder.path().join("old"));
    train(&reference, &config(), u64::MAX);
    train(&old, &config(), 11);
    as_before(&old.join("checkpoints/step-000011"));
    let there = Checkpoint::read(&old.join("checkpoints/step-000011")).unwrap();
    let now = config().metadata(images().as_ref(), &Device::Cpu).unwrap();
    assert_eq!(there.metadata().changes(&now), [""; 0]);
    assert_eq!((there.metadata().step(), there.metadata().steps), (11, 30));
    assert!(train(&old, &config(), u64::MAX).complete);
    assert!(bytes(&old, 30) == bytes(&reference, 30));
}

#[test]
fn a_longer_run_is_the_shorter_one_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let (reference, grown) = (folder.path().join("reference"), folder.path().join("grown"));
    train(&reference, &config(), u64::MAX);
    train(&grown, &with("steps = 13"), u64::MAX);
    train(&grown, &config(), u64::MAX);
    assert!(bytes(&grown, 30) == bytes(&reference, 30));
}

/// A folder with a run of one step, and its checkpoint.
fn one_step() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    train(&run, &config(), 1);
    let checkpoint = run.join("checkpoints/step-000001");
    (folder, checkpoint)
}

#[test]
fn a_flipped_bit_or_a_missing_end_of_any_file_is_found() {
    let (_folder, checkpoint) = one_step();
    assert!(Checkpoint::read(&checkpoint).is_ok());
    for entry in fs::read_dir(&checkpoint).unwrap() {
        let path = entry.unwrap().path();
        let whole = fs::read(&path).unwrap();
        let stride = (whole.len() / 300).max(1); // of small files every byte
        let refuse = |bytes: &[u8], what: String| {
            fs::write(&path, bytes).unwrap();
            let error = Checkpoint::read(&checkpoint).err().unwrap_or_else(|| panic!("{what}: not found"));
            assert!(matches!(error, Error::BrokenCheckpoint { .. }), "{what}: {error}");
        };
        for at in (0..whole.len()).step_by(stride) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            refuse(&damaged, format!("{}: bit {} of byte {at}", path.display(), at % 8));
            refuse(&whole[..at], format!("{}: {at} bytes left", path.display()));
        }
        refuse(&[&whole[..], b"\n"].concat(), format!("{}: a byte too many", path.display()));
        fs::remove_file(&path).unwrap();
        let error = Checkpoint::read(&checkpoint).err().unwrap().to_string();
        assert!(error.contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
        fs::write(&path, &whole).unwrap();
    }
    assert!(Checkpoint::read(&checkpoint).is_ok());
    let renamed = checkpoint.with_file_name("step-000002");
    fs::rename(&checkpoint, &renamed).unwrap();
    assert!(Checkpoint::read(&renamed).err().unwrap().to_string().contains("step 1"), "another step's name");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_or_larger_than_its_networks_is_not_read() {
    let (_folder, checkpoint) = one_step();
    let names: Vec<_> = fs::read_dir(&checkpoint).unwrap().map(|entry| entry.unwrap().path()).collect();
    let why = || {
        let error = Checkpoint::check(&checkpoint).unwrap_err();
        assert!(matches!(error, Error::BrokenCheckpoint { .. }), "{error}");
        assert_eq!(Checkpoint::read(&checkpoint).err().unwrap().to_string(), error.to_string());
        error.to_string()
    };
    for path in names {
        let kept = checkpoint.with_file_name("kept");
        fs::rename(&path, &kept).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(pipe.success() && why().contains("it is not a regular file"), "a pipe");
        for target in [Path::new("/dev/zero"), &kept] {
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(target, &path).unwrap();
            assert!(why().contains("it is a link"), "{}", why());
        }
        fs::remove_file(&path).unwrap();
        fs::copy(&kept, &path).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap(); // takes no room
        assert!(why().contains("larger than"), "{}", why());
        fs::rename(&kept, &path).unwrap();
    }
    assert_eq!(Checkpoint::check(&checkpoint).unwrap().step(), 1);
    let link = checkpoint.with_file_name("step-000002");
    std::os::unix::fs::symlink(&checkpoint, &link).unwrap();
    assert!(Checkpoint::read(&link).err().unwrap().to_string().contains("it is a link"));
}

#[test]
fn whatever_is_left_out_of_the_state_is_missed() {
    let (_folder, checkpoint) = one_step();
    let checkpoint = Checkpoint::read(&checkpoint).unwrap();
    let config = config();
    let model = config.model_config(3, &[]);
    let tensors = checkpoint.tensors().unwrap();
    let of_loop = ["step", "rollbacks", "best.score", "best.step", "best.stale"];
    let mut counters = checkpoint.metadata().counters.clone();
    assert!(of_loop.iter().all(|counter| counters.remove(*counter).is_some()), "{counters:?}");
    let counters = &counters;
    let restore = |tensors: &BTreeMap<_, _>, counters: &BTreeMap<_, _>| {
        let mut gan = Gan::from_config(&config, &model, images(), &Device::Cpu).unwrap();
        gan.state().restore(tensors, counters)
    };
    restore(&tensors, counters).unwrap();
    assert!(tensors.len() > 50 && counters.len() == 4, "{} tensors, {counters:?}", tensors.len());
    for part in [
        "generator",
        "discriminator",
        "ema_g",
        "optimizer_g.m",
        "optimizer_g.v",
        "optimizer_d.m",
        "optimizer_d.v",
    ] {
        assert!(tensors.keys().any(|name| name.starts_with(&format!("{part}.main."))), "{part}");
    }
    for name in tensors.keys() {
        let mut fewer = tensors.clone();
        let tensor = fewer.remove(name).unwrap();
        let error = restore(&fewer, counters).unwrap_err().to_string();
        assert!(error.contains(&format!("{name} is missing")), "{error}");
        fewer.insert(name.clone(), tensor.unsqueeze(0).unwrap());
        let error = restore(&fewer, counters).unwrap_err().to_string();
        assert!(error.contains(&format!("{name} is")), "another shape: {error}");
        fewer.insert(name.clone(), tensor.clone());
        fewer.insert(format!("{name}x"), tensor);
        assert!(
            restore(&fewer, counters).unwrap_err().to_string().contains(&format!("{name}x")),
            "one too many"
        );
    }
    for name in counters.keys() {
        let mut fewer = counters.clone();
        fewer.remove(name);
        let error = restore(&tensors, &fewer).unwrap_err().to_string();
        assert!(error.contains(&format!("counter {name} is missing")), "{error}");
    }
}

/// The config of these runs with another value of one setting, and that value as text.
fn with_another(setting: &Setting) -> (TrainConfig, String) {
    let mut values: Vec<toml::Value> =
        vec![true.into(), false.into(), 1.into(), 3.into(), 8.into(), 0.25.into()];
    values.extend(setting.names().iter().copied().chain(["cutout", "red", "kid"]).map(toml::Value::from));
    for value in values {
        let mut partial = PartialConfig::of(&config());
        let now = partial.get(setting.key).cloned();
        if setting.key == "epochs" {
            partial.remove("steps");
        }
        let is_taken = partial.set(setting.key, value).and_then(|()| partial.check()).is_ok();
        let then = partial.get(setting.key).cloned();
        if let Some(then) = then.filter(|then| is_taken && now.as_ref() != Some(then)) {
            let config = partial.into_config().unwrap();
            if config.metadata(&Images(120), &Device::Cpu).is_ok() {
                return (config, then.to_string()); // networks that can be built
            }
        }
    }
    panic!("no value for {}", setting.key)
}

#[test]
fn a_change_of_any_setting_that_makes_another_run_is_named_with_both_values() {
    let record = |config: &TrainConfig, count| config.metadata(&Images(count), &Device::Cpu).unwrap();
    let there = record(&config(), 120);
    for setting in settings() {
        let (config, here) = with_another(setting);
        let changes = there.changes(&record(&config, 120));
        if setting.may_change {
            assert_eq!(changes, [""; 0]);
            // What a run learns, and what it learns with, is no matter of taste.
            assert!(
                !["model", "objective", "discriminator_input"].contains(&setting.section),
                "{}",
                setting.key
            );
            continue;
        }
        assert_eq!(changes.len(), 1, "{}: {changes:?}", setting.key);
        assert!(changes[0].starts_with(&format!("{} is ", setting.key)), "{changes:?}");
        assert!(changes[0].ends_with(&format!(" there and {here} here")), "{changes:?}");
    }
    for stays in ["image_size", "crop", "batch_size", "lr", "optimizer", "ema", "seed", "precision"] {
        assert!(settings().any(|setting| setting.key == stays && !setting.may_change), "{stays}");
    }
    assert_eq!(there.changes(&record(&config(), 119)).len(), 1, "another data set");
}
