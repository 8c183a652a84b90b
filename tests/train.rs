//! `gan train` and `gan sample` as a person uses them.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use common::{
    TINY, files_under, final_generator, gan_in, png_size, succeed_in, train_tiny, write_cifar, write_mnist,
};

#[test]
fn a_run_leaves_config_metrics_samples_and_checkpoints_behind() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["--log-every", "2", "--sample-every", "3", "--checkpoint-every", "2"];
    let run = train_tiny(folder.path(), "run", &more);
    let checkpoint = |step: u64| {
        let files = ["SHA256SUMS", "checkpoint.json", "discriminator", "generator", "training"];
        files.map(|file| match file.contains(['.', 'S']) {
            true => format!("checkpoints/step-00000{step}/{file}"),
            false => format!("checkpoints/step-00000{step}/{file}.safetensors"),
        })
    };
    let said_of_it = ["health.json", "numbers.json", "report.html", "report.json"];
    let rest = [".gan-run", "config.toml", "lock", "metrics.jsonl", "samples/real.png"];
    let rest = rest.into_iter().chain(said_of_it).map(String::from);
    // The first step is sampled unasked.
    let samples = [1, 3, 4].map(|step| format!("samples/step-00000{step}.png"));
    let expected = rest.chain(samples).chain(checkpoint(2)).chain(checkpoint(4)).collect();
    assert_eq!(files_under(&run), expected);
    // 8x8 images of 16 px, 2 px apart.
    assert_eq!(png_size(&run.join("samples/step-000004.png")), (146, 146));
    assert_eq!(png_size(&run.join("samples/real.png")), (146, 146));

    let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let steps: Vec<u64> = lines.iter().map(|line| line["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [1, 2, 4]);
    for line in &lines {
        for key in ["errD", "errG", "grad_norm_d", "grad_norm_g", "images_per_second", "epoch"] {
            assert!(line[key].as_f64().unwrap() > 0.0, "{key} in {line}");
        }
        assert!(line["seconds"].as_f64().unwrap() >= 0.0, "{line}");
        assert_eq!((line["lr"].as_f64(), line["lr_d"].as_f64()), (Some(4e-4), Some(4e-4)), "{line}");
        assert!(line.get("ada_p").is_none(), "nothing adapts it: {line}");
        for key in ["d_x", "d_g_z1", "d_g_z2"] {
            assert!((0.0..=1.0).contains(&line[key].as_f64().unwrap()), "{key} in {line}");
        }
    }
}

#[test]
fn one_seed_gives_the_same_bytes_with_one_thread_and_with_two() {
    let folder = tempfile::tempdir().unwrap();
    for model in [&["--model", "dcgan"][..], &["--model", "mlp"], &["--ema", "0.9", "--n-critic", "2"]] {
        let name = model.concat().replace("--", "");
        let run = |name: &str, more: &[&str]| {
            final_generator(&train_tiny(folder.path(), name, &[model, more].concat()))
        };
        let reference = run(&format!("{name}-a"), &["--threads", "1"]);
        assert_eq!(reference, run(&format!("{name}-b"), &["--threads", "1"]), "{name}: run twice");
        assert_eq!(reference, run(&format!("{name}-c"), &["--threads", "2"]), "{name}: on two threads");
        assert_ne!(reference, run(&format!("{name}-d"), &["--seed", "1"]), "{name}: another seed");
    }
}

#[test]
fn how_often_a_run_logs_or_samples_does_not_change_what_it_learns() {
    let folder = tempfile::tempdir().unwrap();
    for ema in ["0", "0.9"] {
        let run = |name: &str, every: &str| {
            let more =
                ["--ema", ema, "--log-every", every, "--sample-every", every, "--checkpoint-every", every];
            final_generator(&train_tiny(folder.path(), &format!("{name}{ema}"), &more))
        };
        assert_eq!(run("often", "1"), run("seldom", "100"), "ema {ema}");
    }
}

#[test]
fn a_run_can_be_repeated_from_its_own_config() {
    let folder = tempfile::tempdir().unwrap();
    let run =
        train_tiny(folder.path(), "first", &["--seed", "7", "--loss", "minimax", "--latent", "uniform"]);
    succeed_in(folder.path(), &["train", "--config", "first/config.toml", "--out", "second"]);
    assert_eq!(final_generator(&run), final_generator(&folder.path().join("second")));
    let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
    for setting in ["seed = 7", "loss = \"minimax\"", "latent = \"uniform\"", "batch_size = 8", "lr = 0.0004"]
    {
        assert!(config.contains(setting), "{setting} in\n{config}");
    }
}

#[test]
fn runs_are_numbered_and_none_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let arguments: Vec<&str> = [&["train"], &TINY[..]].concat();
    for number in ["0001", "0002"] {
        let said = succeed_in(folder.path(), &arguments);
        assert!(said.contains(&format!("runs/{number}/samples/step-000004.png")), "{said}");
        assert!(folder.path().join("runs").join(number).join("metrics.jsonl").is_file());
    }
}

#[test]
fn the_end_of_a_run_names_a_next_command_that_works() {
    let folder = tempfile::tempdir().unwrap();
    let said = gan_in(folder.path(), &[&["train"], &TINY[..]].concat()).stdout;
    let next = said.lines().last().unwrap().trim();
    let arguments: Vec<&str> = next.split(' ').skip_while(|word| *word != "sample").collect();
    succeed_in(folder.path(), &arguments);
    assert_eq!(png_size(&folder.path().join("samples-seed1.png")), (146, 146));
}

#[test]
fn flags_override_the_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let dry = |more: &[&str]| succeed_in(folder.path(), &[&["train", "--dry-run"], more].concat());
    let recipe = dry(&["--recipe", "digits"]);
    assert_eq!(recipe, dry(&[]), "the digits are the default");
    assert!(recipe.contains("steps = 2500") && recipe.contains("image_size = 32"), "{recipe}");
    let overridden =
        dry(&["--recipe", "digits", "--epochs", "2", "--base-width", "8", "--image-size", "48x32"]);
    assert!(overridden.contains("\nepochs = 2") && !overridden.contains("\nsteps = 2500"), "{overridden}");
    assert!(
        overridden.contains("base_width = 8") && overridden.contains("image_size = \"48x32\""),
        "{overridden}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a dry run writes nothing");
}

#[test]
fn points_of_the_plane_are_drawn_as_a_scatter_plot_and_their_modes_counted() {
    let folder = tempfile::tempdir().unwrap();
    let short = ["--dataset", "ring", "--steps", "20", "--sample-every", "10", "--log-every", "100"];
    let said = succeed_in(folder.path(), &[&["train", "--out", "run"], &short[..]].concat());
    let modes = said.lines().find(|line| line.starts_with("Last samples: modes "));
    assert!(modes.is_some_and(|line| line.ends_with(" of 8.")), "{said}");
    let run = folder.path().join("run");
    for name in ["real", "step-000010", "step-000020"] {
        assert_eq!(png_size(&run.join(format!("samples/{name}.png"))), (568, 576));
    }
    let log = common::metrics(&run);
    let steps: Vec<_> =
        log.iter().filter(|line| line["modes"].is_u64()).map(|line| line["step"].as_u64()).collect();
    assert_eq!(steps, [Some(10), Some(20)]);
    succeed_in(folder.path(), &["sample", "run", "--count", "100", "--out", "points.png"]);
    assert_eq!(png_size(&folder.path().join("points.png")), (568, 576));
    let said = gan_in(folder.path(), &["train", "--dataset", "ring", "--model", "dcgan", "--dry-run"]);
    assert!(said.status == 2 && said.stderr.contains("use --model mlp"), "{}", said.stderr);
}

#[test]
fn a_loss_that_has_no_labels_takes_the_default_recipe_without_its_smoothing() {
    let folder = tempfile::tempdir().unwrap();
    let said = succeed_in(folder.path(), &["train", "--dry-run", "--loss", "hinge"]);
    assert!(said.contains("label_smoothing = 0.0") && said.contains("lr = 0.0004"), "{said}");
    let said = succeed_in(folder.path(), &["train", "--dry-run", "--loss", "minimax"]);
    assert!(said.contains("label_smoothing = 0.1"), "{said}");
    let said = gan_in(folder.path(), &["train", "--dry-run", "--loss", "hinge", "--label-smoothing", "0.1"]);
    assert!(said.status == 2 && said.stderr.contains("the hinge loss tells D no number"), "{}", said.stderr);
}

#[test]
fn a_reader_who_leaves_early_is_no_panic_and_no_end_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_gan");
    let run = |script: &str| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script, "sh", program]).current_dir(folder.path());
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    assert_eq!(run("for i in 1 2 3 4 5 6 7 8; do \"$1\" recipes | true; done"), "");
    let flags = TINY[..6].join(" ");
    let said = run(&format!("\"$1\" train --out run {flags} --steps 40 --log-every 1 | head -n 7 >first"));
    assert_eq!(said, "");
    assert!(folder.path().join("run/checkpoints/step-000040").is_dir(), "the run went on");
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_takes_no_more_is_an_error_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_gan");
    let run = |script: &str| {
        let mut command = std::process::Command::new("sh");
        common::said(command.args(["-c", script, "sh", program]).current_dir(folder.path()).output().unwrap())
    };
    for command in ["recipes", "--help", "train --dry-run", "train --out run --steps 4"] {
        let said = run(&format!("\"$1\" {command} >/dev/full"));
        assert_eq!(said.status, 1, "{command}: {}", said.stderr);
        let lines: Vec<&str> = said.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{command}: {}", said.stderr);
        assert!(lines[0].starts_with("error: cannot write to standard output: No space left"), "{lines:?}");
        assert!(lines[1].starts_with(" help: "), "{lines:?}");
    }
    assert!(!folder.path().join("run").exists(), "that was before the run began");
    // Nor is there a panic where even the error cannot be said.
    assert_eq!(run("\"$1\" recipes >/dev/full 2>/dev/full").status, 1);
}

#[test]
fn logits_are_called_logits_and_what_ada_does_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let more =
        ["--loss", "hinge", "--augment", "color", "--ada-target", "0.6", "--lr-d", "0.001", "--schedule"];
    let run = train_tiny(folder.path(), "run", &[&more[..], &["linear", "--log-every", "1"]].concat());
    let lines = common::metrics(&run);
    assert_eq!(lines.len(), 4);
    for (line, left) in lines.iter().zip([1.0, 0.75, 0.5, 0.25]) {
        assert!(line.get("d_x").is_none() && line["logit_x"].is_f64(), "{line}");
        assert!(line["logit_g_z1"].is_f64() && line["logit_g_z2"].is_f64(), "{line}");
        assert!((0.0..=1.0).contains(&line["ada_p"].as_f64().unwrap()), "{line}");
        // The rates that the step was made with.
        assert_eq!((line["lr"].as_f64(), line["lr_d"].as_f64()), (Some(4e-4 * left), Some(1e-3 * left)));
    }
    let arguments = [&["train", "--loss", "hinge"], &TINY[..], &["--out", "shown"]].concat();
    let said = succeed_in(folder.path(), &arguments);
    assert!(said.contains("D(x) logit ") && said.contains("D(G(z)) logit "), "{said}");
}

#[test]
fn steps_after_the_end_of_the_schedule_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["train", "--dry-run", "--schedule", "cosine", "--steps", "2000", "--decay-steps"];
    let said = gan_in(folder.path(), &[&flags[..], &["500"]].concat());
    assert_eq!(said.status, 0, "{}", said.stderr);
    let warning = "the learning rate is 0 after step 500: the last 1500 of 2000 steps will change no weights";
    assert!(said.stderr.contains(warning), "{}", said.stderr);
    let said = gan_in(folder.path(), &[&flags[..], &["2000"]].concat());
    assert!(!said.stderr.contains("learning rate"), "{}", said.stderr);
}

#[test]
fn a_batch_that_may_be_larger_than_the_data_takes_no_more_memory_than_the_data() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(&folder.path().join("mnist"), 20);
    let flags = ["--dataset", "mnist", "--data-dir", "mnist", "--drop-last", "false", "--ema", "0.9"];
    let generator = |name: &str, batch: &str| {
        final_generator(&train_tiny_batch(
            folder.path(),
            name,
            &[&flags[..], &["--batch-size", batch]].concat(),
        ))
    };
    // Sixteen batches of 65536 images would be drawn to estimate the statistics of the averaged weights.
    assert_eq!(generator("large", "65536"), generator("whole", "20"));
}

/// A tiny run with a batch size of its own.
fn train_tiny_batch(folder: &std::path::Path, name: &str, more: &[&str]) -> std::path::PathBuf {
    let tiny = ["train", "--out", name, "--image-size", "16", "--base-width", "4", "--steps", "4"];
    succeed_in(folder, &[&tiny[..], more].concat());
    folder.join(name)
}

#[test]
fn a_run_that_fails_before_its_first_step_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    common::write_broken_png(&folder.path().join("photos/broken.png"));
    for i in 0..11 {
        common::write_png(&folder.path().join(format!("photos/{i}.png")), 20, 20, 3, i);
    }
    std::fs::create_dir(folder.path().join("there")).unwrap();
    for out in ["run", "there"] {
        let arguments = ["train", "--dataset", "photos", "--on-bad-image", "stop", "--out", out];
        let said = gan_in(folder.path(), &[&arguments[..], &TINY[..]].concat());
        assert!(said.status == 1 && said.stderr.contains("broken.png"), "{}", said.stderr);
    }
    assert!(!folder.path().join("run").exists());
    assert_eq!(std::fs::read_dir(folder.path().join("there")).unwrap().count(), 0, "it was there before");
}

#[test]
fn more_threads_than_make_sense_are_not_started() {
    let folder = tempfile::tempdir().unwrap();
    let said = gan_in(folder.path(), &["train", "--dry-run", "--threads", "4000"]);
    assert!(said.status == 0 && said.stderr.contains("4000 threads were asked for"), "{}", said.stderr);
    let said = gan_in(folder.path(), &["train", "--dry-run", "--threads", "4000000000"]);
    assert!(said.status == 2 && said.stderr.contains("threads is 4000000000"), "{}", said.stderr);
}

#[test]
fn seeds_of_63_bits_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let said = succeed_in(folder.path(), &["train", "--dry-run", "--seed", "9223372036854775807"]);
    assert!(said.contains("seed = 9223372036854775807"), "{said}");
    assert_eq!(gan_in(folder.path(), &["train", "--dry-run", "--seed", "9223372036854775808"]).status, 2);
}

#[test]
fn the_device_and_why_it_was_chosen_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let said = succeed_in(folder.path(), &["train", "--dry-run", "--device", "cpu"]);
    assert!(said.contains("device:  CPU, as asked for"), "{said}");
    let said = succeed_in(folder.path(), &["train", "--dry-run"]);
    assert!(said.lines().any(|line| line.starts_with("device:  ") && line.len() > 15), "{said}");
}

#[test]
fn mnist_and_cifar_folders_can_be_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(&folder.path().join("mnist"), 20);
    write_cifar(&folder.path().join("cifar"), 20);
    for name in ["mnist", "fashion-mnist"] {
        let run = train_tiny(folder.path(), name_of(name), &["--dataset", name, "--data-dir", "mnist"]);
        assert_eq!(png_size(&run.join("samples/step-000004.png")), (146, 146));
    }
    // The notebook's networks bring their own size, batch and width.
    let arguments = ["train", "--dataset", "cifar10", "--data-dir", "cifar", "--model", "notebook"];
    let said = gan_in(folder.path(), &[&arguments[..], &["--epochs", "2", "--out", "notebook"]].concat());
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(
        said.stdout.contains("3x46x46 images") && said.stdout.contains("2 steps of 100"),
        "{}",
        said.stdout
    );
    assert!(said.stderr.contains("20"), "an incomplete set is said aloud: {}", said.stderr);
    assert_eq!(png_size(&folder.path().join("notebook/samples/step-000002.png")), (386, 386));
}

fn name_of(dataset: &str) -> &'static str {
    if dataset == "mnist" { "run-mnist" } else { "run-fashion" }
}

#[test]
fn samples_follow_from_the_seed_and_come_as_a_grid_or_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = train_tiny(folder.path(), "run", &[]);
    let sample = |more: &[&str]| {
        succeed_in(folder.path(), &[&["sample", "run"], more].concat());
    };
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    sample(&["--count", "10", "--out", "a.png"]);
    assert_eq!(png_size(&folder.path().join("a.png")), (4 * 18 + 2, 3 * 18 + 2));
    sample(&["--count", "10", "--out", "b.png"]);
    assert_eq!(read("a.png"), read("b.png"));
    sample(&["--count", "10", "--seed", "1", "--out", "c.png"]);
    assert_ne!(read("a.png"), read("c.png"));

    sample(&["--count", "70", "--out", "singles/"]);
    assert_eq!(files_under(&folder.path().join("singles")).len(), 70);
    assert_eq!(png_size(&folder.path().join("singles/00069.png")), (16, 16));
    // Image i does not depend on how many are made, nor on the form of the command.
    let file = run.join("checkpoints/step-000004/generator.safetensors");
    succeed_in(folder.path(), &["sample", file.to_str().unwrap(), "--count", "3", "--out", "few/"]);
    assert_eq!(read("few/00002.png"), read("singles/00002.png"));
    // Those of another seed are not mixed with them unless that is asked for.
    let other = ["sample", "run", "--count", "3", "--seed", "1", "--out", "few/"];
    let said = gan_in(folder.path(), &other);
    assert!(said.status == 1 && said.stderr.contains("few/ is not empty"), "{}", said.stderr);
    assert!(said.stderr.contains("--force"), "{}", said.stderr);
    assert_eq!(read("few/00002.png"), read("singles/00002.png"));
    succeed_in(folder.path(), &[&other[..], &["--force"]].concat());
    assert_ne!(read("few/00002.png"), read("singles/00002.png"));
}

#[test]
fn own_images_of_any_size_are_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("photos")).unwrap();
    for i in 0..12 {
        let (width, height, channels) = (20 + i, 40 - i, if i % 2 == 0 { 3 } else { 1 });
        let pixels = (0..width * height * channels).map(|j| (j * (i + 3)) as u8).collect();
        let image = gan_data::Image { width, height, channels, pixels };
        image.save_png(&folder.path().join(format!("photos/{i}.png"))).unwrap();
    }
    let run = train_tiny(folder.path(), "own", &["--dataset", "folder:photos"]);
    assert!(!final_generator(&run).is_empty());
    let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
    let photos = folder.path().join("photos");
    assert!(config.contains(&format!("dataset = \"folder:{}\"", photos.display())), "{config}");
}
