use super::*;
use gan_data::Background;
use gan_models::{Architecture, Norm};

fn resolved(text: &str) -> TrainConfig {
    TrainConfig::from_toml(text).unwrap().resolve().unwrap()
}

/// What is said of a config that is refused, and what to do about it.
fn refusal(text: &str) -> (String, String) {
    let error = TrainConfig::from_toml(text).and_then(TrainConfig::resolve).unwrap_err();
    (error.to_string(), error.hint())
}

#[test]
fn what_is_left_open_follows_the_model() {
    let digits = resolved("");
    assert_eq!((digits.image_size().height, digits.base_width(), digits.batch_size()), (32, 32, 64));
    assert_eq!((digits.data.batch_size, digits.model.base_width), (Some(64), Some(32)));
    assert_eq!((digits.run.steps, digits.data.drop_last), (Some(2000), Some(true)));
    let notebook = resolved("model = 'notebook'");
    assert_eq!((notebook.image_size().width, notebook.model.base_width), (46, Some(16)));
    assert_eq!((notebook.data.batch_size, notebook.data.drop_last), (Some(100), Some(false)));
    assert_eq!(resolved("image_size = 64").model.base_width, Some(64));
    assert_eq!(resolved("model = 'sngan'").model.base_width, Some(32), "the paper's 128 is for a GPU");
    assert_eq!(resolved("image_size = 64\nbase_width = 8").model.base_width, Some(8));
    assert_eq!(resolved("epochs = 3").total_steps(100), 300);
    assert_eq!(resolved("epochs = 3\nn_critic = 5").total_steps(100), 60);
}

/// PyTorch's, but DCGAN's first decay for Adam.
#[test]
fn decays_that_are_not_given_are_those_of_the_optimizer() {
    let decays = |text: &str| {
        let optimizers = resolved(text).optimizers;
        (optimizers.beta1(), optimizers.beta2(), optimizers.beta1.is_some(), optimizers.beta2.is_some())
    };
    assert_eq!(decays(""), (0.5, 0.999, true, true));
    assert_eq!(decays("optimizer = 'rmsprop'"), (0.0, 0.99, false, true));
    assert_eq!(decays("optimizer = 'sgd'"), (0.0, 0.0, true, false));
    assert_eq!(decays("optimizer = 'sgd'\nmomentum = 0.9").0, 0.9);
    assert_eq!(decays("optimizer = 'rmsprop'\nbeta2 = 0.999").1, 0.999);
}

#[test]
fn a_resolved_config_is_read_back_as_it_was() {
    for text in ["", "image_size = '48x64'", "image_size = 64\ndata_dir = 'a b'\nepochs = 2"] {
        let config = resolved(text);
        let written = toml::to_string(&config).unwrap();
        assert!(written.starts_with("recipe = \"none\"\n\n[data]\n"), "{written}");
        assert_eq!(TrainConfig::from_toml(&written).unwrap(), config, "{written}");
        let record = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TrainConfig>(&record).unwrap(), config, "{record}");
    }
}

/// What a run of before there were sections has left: its config file, and the record of a checkpoint, which
/// says null of what is not set.
#[test]
fn the_flat_form_is_read_as_the_one_in_sections() {
    let flat = "dataset = 'mnist'\nimage_size = 28\nmodel = 'mlp'\nloss = 'lsgan'\nlr = 1e-3\nr1 = 1\n\
                augment = 'cutout'\nsteps = 7\ndevice = 'cpu'\nbeta1 = 0.4\nflip = true\n";
    let sections = "[data]\ndataset = 'mnist'\nimage_size = 28\nflip = true\n[model]\nmodel = 'mlp'\n\
                    [objective]\nloss = 'lsgan'\nr1 = 1.0\n[optimizers]\nlr = 0.001\nbeta1 = 0.4\n\
                    [discriminator_input]\naugment = 'cutout'\n[run]\nsteps = 7\n[machine]\ndevice = 'cpu'\n";
    let config = TrainConfig::from_toml(sections).unwrap();
    assert_eq!(TrainConfig::from_toml(flat).unwrap(), config);
    assert_eq!(
        (config.model.model, config.objective.r1, config.run.steps),
        (Architecture::Mlp, 1.0, Some(7))
    );
    let record = r#"{"dataset": "mnist", "image_size": 28, "model": "mlp", "loss": "lsgan", "lr": 1e-3, "r1": 1,
        "augment": "cutout", "steps": 7, "device": "cpu", "beta1": 0.4, "flip": true, "epochs": null,
        "lr_d": null, "background": null}"#;
    assert_eq!(serde_json::from_str::<TrainConfig>(record).unwrap(), config);
    for wrong in [r#"{"lr": "fast"}"#, r#"{"speed": 1}"#, r#"{"speed": null}"#, r#"{"nowhere": {"lr": 1}}"#] {
        assert!(serde_json::from_str::<TrainConfig>(wrong).is_err(), "{wrong}");
    }
    // Every setting, one by one.
    let whole = PartialConfig::of(&TrainConfig::default().resolve().unwrap());
    for (key, value) in whole.iter() {
        let setting = settings().find(|setting| setting.key == key).unwrap();
        let flat = TrainConfig::from_toml(&format!("{key} = {value}")).unwrap();
        let in_section = format!("[{}]\n{key} = {value}", setting.section);
        assert_eq!(flat, TrainConfig::from_toml(&in_section).unwrap(), "{in_section}");
    }
}

/// Their images were stretched to sizes that are no squares, and what alpha hides was shown.
#[test]
fn a_run_from_before_there_was_a_fit_keeps_its_images() {
    let of_run = |text: &str| TrainConfig::from_toml(text).unwrap().of_run();
    let oblong = of_run("image_size = '32x64'");
    assert_eq!((oblong.data.fit, oblong.data.background), (Some(Fit::Stretch), Some(Background::None)));
    assert_eq!(of_run("image_size = 64").data.fit, Some(Fit::Crop));
    let new = resolved("image_size = '32x64'");
    assert_eq!((new.data.fit, new.data.background), (Some(Fit::Crop), None));
    let written = toml::to_string(&new).unwrap();
    assert_eq!(of_run(&written), new, "a new run says what it does");
}

#[test]
fn what_is_misspelt_is_named_with_its_line_and_the_nearest() {
    for (text, what, hint) in [
        ("lr = 1e-4\nlearning_rte = 3", "line 2: there is no setting `learning_rte`", "did you mean `lr`?"),
        ("[model]\nbase_widht = 3", "line 2: there is no setting `base_widht`", "did you mean `base_width`?"),
        ("[optimisers]\nlr = 3", "line 1: there is no section [optimisers]", "did you mean [optimizers]?"),
        ("[data]\nlr = 3", "line 2: `lr` stands in [data]", "write it below [optimizers]"),
        ("\n\nloss = 'wasserstien'", "line 3: `loss` in [objective] is \"wasserstien\"", "\"wasserstein\""),
        ("[objective]\nloss = 3", "line 2: `loss` in [objective] is 3", "in quotes"),
        ("recipes = 'digits'", "line 1: there is no setting `recipes`", "did you mean `recipe`?"),
        ("lr = 1\n[optimizers]\nlearning_rate = 2", "`learning_rate` is given twice", "its name is `lr`"),
        ("steps = 1.5", "line 1: `steps` in [run] is 1.5", "a whole number"),
        ("lr = ", "line 1: ", "KEY = VALUE"),
        ("quite_another = 1", "there is no setting `quite_another`", "docs/settings.md"),
    ] {
        let (said, help) = refusal(text);
        assert!(said.contains(what) && help.contains(hint), "{text}: {said}: {help}");
    }
}

#[test]
fn other_names_mean_the_same() {
    for (one, other) in [
        ("ngf = 8", "base_width = 8"),
        ("ndf = 8", "base_width = 8"),
        ("nz = 8", "latent_dim = 8"),
        ("learning_rate = 0.1", "lr = 0.1"),
        ("d_lr = 0.1", "lr_d = 0.1"),
        ("save_every = 9", "checkpoint_every = 9"),
        ("loss = 'bce'", "loss = 'non-saturating'"),
        ("loss = 'wgan-gp'", "loss = 'wasserstein'\ngradient_penalty = 10\nnorm_d = 'layer'"),
        ("loss = 'wgan-gp'\nnorm_d = 'none'", "loss = 'wasserstein'\ngradient_penalty = 10\nnorm_d = 'none'"),
        ("dataset = 'CIFAR-10'", "dataset = 'cifar10'"),
        ("dataset = 'MNIST'", "dataset = 'mnist'"),
    ] {
        assert_eq!(TrainConfig::from_toml(one).unwrap(), TrainConfig::from_toml(other).unwrap(), "{one}");
    }
}

#[test]
fn values_that_make_no_sense_are_refused_by_name() {
    for (key, value, shown) in [
        ("batch_size", "0", "0"),
        ("n_critic", "0", "0"),
        ("sample_every", "0", "0"),
        ("steps", "0", "0"),
        ("threads", "0", "0"),
        ("workers", "0", "0"),
        ("image_size", "0", "0"),
        ("image_size", "'64x0'", "\"64x0\""),
        ("image_size", "100000", "100000"),
        ("color_jitter", "2.0", "2"),
        ("channels", "2", "2"),
        ("keep", "1", "1"),
        ("batch_size", "1000000", "1000000"),
        ("n_critic", "9223372036854775807", "9223372036854775807"),
        ("accumulate", "9223372036854775807", "9223372036854775807"),
        ("steps", "9223372036854775807", "9223372036854775807"),
        ("epochs", "4294967296", "4294967296"),
        ("decay_steps", "9223372036854775807", "9223372036854775807"),
        ("log_every", "9223372036854775807", "9223372036854775807"),
        ("penalty_every", "9223372036854775807", "9223372036854775807"),
        ("threads", "5000", "5000"),
        ("workers", "3000", "3000"),
        ("keep", "9223372036854775807", "9223372036854775807"),
        ("max_rollbacks", "1000", "1000"),
        ("lr", "0.0", "0"),
        ("lr", "nan", "NaN"),
        ("lr", "inf", "inf"),
        ("beta1", "1.0", "1"),
        ("ema", "-0.1", "-0.1"),
        ("augment_p", "1.5", "1.5"),
        ("ada_target", "1.0", "1"),
        ("label_smoothing", "0.7", "0.7"),
        ("label_noise", "0.7", "0.7"),
        ("instance_noise", "-1.0", "-1"),
        ("accumulate", "0", "0"),
        ("lr_d", "0.0", "0"),
        ("clip_grad", "nan", "NaN"),
        ("base_width", "0", "0"),
    ] {
        let (said, hint) = refusal(&format!("{key} = {value}"));
        assert!(said.starts_with(&format!("line 1: `{key}` in [")), "{said}");
        assert!(said.ends_with(&format!("] is {shown}")) && !hint.is_empty(), "{said}: {hint}");
    }
    // Of a config that comes from no file.
    let mut config = TrainConfig::default();
    config.optimizers.lr = 0.0;
    let error = config.resolve().unwrap_err();
    assert_eq!(error.to_string(), "`lr` is 0");
    assert_eq!(error.hint(), "use a number above 0; 2e-4 is usual");
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    for (text, named) in [
        ("channels = 4\nbackground = 'red'", "`channels` is 4, which keeps images transparent"),
        ("fit = 'pad'\ncrop = 'random'", "nothing is cropped of a padded image"),
        ("steps = 1\nepochs = 1", "both `steps` and `epochs`"),
        ("loss = 'hinge'\nlabel_noise = 0.1", "the hinge loss tells D no number"),
        ("loss = 'wasserstein'\nlabel_smoothing = 0.1", "the wasserstein loss tells D no number"),
        ("epochs = 2\nschedule = 'cosine'", "over how many steps"),
        ("recipe = 'digits'", "the recipe digits"),
    ] {
        let (said, hint) = refusal(text);
        assert!(said.contains(named) && !hint.is_empty(), "{text}: {said}");
    }
}

#[test]
fn each_setting_is_declared_once() {
    let mut names = std::collections::BTreeSet::new();
    for setting in settings() {
        for name in setting.aliases.iter().chain([&setting.key]) {
            assert!(names.insert(*name), "{name} is there twice");
        }
        assert!(setting.help().len() > 10 && !setting.help().ends_with('.'), "{}", setting.key);
        let default = (setting.default)();
        assert!(default.is_none_or(|value| setting.check(&value).is_ok()), "{}", setting.key);
    }
    assert_eq!(sections().count(), 8);
    assert!(names.len() > 64, "{}", names.len());
    assert!(sections().all(|section| !names.contains(section) || section == "model"));
}

#[test]
fn one_config_overrides_another() {
    let mut partial =
        PartialConfig::from_toml("epochs = 3\nbeta1 = 0.1\nlr = 1e-3\nloss = 'wgan-gp'").unwrap();
    partial.override_with(PartialConfig::from_toml("steps = 5\noptimizer = 'sgd'\nnorm_d = 'none'").unwrap());
    let set = partial.settle();
    assert_eq!(set, [("gradient_penalty", toml::Value::Float(10.0))]);
    let config = partial.into_config().unwrap();
    assert_eq!((config.run.steps, config.run.epochs), (Some(5), None), "one length replaces the other");
    assert_eq!(
        (config.optimizers.beta1, config.optimizers.lr),
        (None, 1e-3),
        "Adam's decay is not meant for SGD"
    );
    assert_eq!(config.model.norm_d, Some(Norm::None));
}
