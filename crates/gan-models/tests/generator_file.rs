//! The generator file: equal models are equal bytes, what is written is what is read, and nothing else is believed.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use gan_models::candle_core::{Device, Tensor};
use gan_models::{
    Architecture, Checksum, Context, ModelConfig, Norm, discriminator_to_bytes, generator_from_bytes,
    generator_to_bytes, inspect_file, load_generator, save_generator,
};
use std::collections::BTreeMap;
use std::path::Path;

fn config() -> ModelConfig {
    ModelConfig { base_width: 4, latent_dim: 6, ..ModelConfig::new(Architecture::Dcgan, 1, 16, 16) }
}

fn written(path: &Path, seed: u64) -> Vec<u8> {
    save_generator(config().generator(seed, &Device::Cpu).unwrap().as_ref(), path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn a_generator_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.safetensors");
    let generator = config().generator(5, &Device::Cpu).unwrap();
    let z = config().latent_space().sample(0, 4, &Device::Cpu).unwrap();
    generator.forward(&z, &Context::train()).unwrap(); // running statistics that are not those of a new network
    save_generator(generator.as_ref(), &path).unwrap();
    let loaded = load_generator(&path, &Device::Cpu).unwrap();
    assert_eq!(loaded.model(), generator.model());
    let values = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let images = |g: &dyn gan_models::Generator| values(g.forward(&z, &Context::eval()).unwrap());
    assert_eq!(images(loaded.as_ref()), images(generator.as_ref()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays behind");
}

#[test]
fn a_frozen_generator_makes_the_same_images_until_other_weights_are_loaded() {
    let config = || ModelConfig { base_width: 32, ..config() }; // channels enough for every kind of kernel
    let [of_five, of_six] = [5, 6].map(|seed| config().generator(seed, &Device::Cpu).unwrap());
    let images = |g: &dyn gan_models::Generator, count: usize| {
        let z = config().latent_space().sample(0, count, &Device::Cpu).unwrap();
        g.forward(&z, &Context::eval()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let [five, six] = [&of_five, &of_six].map(|g| [1, 9, 1].map(|count| images(g.as_ref(), count)));
    of_five.params().freeze();
    assert_eq!([1, 9, 1].map(|count| images(of_five.as_ref(), count)), five);
    of_five.params().load_state_dict(&of_six.params().state_dict()).unwrap();
    assert_eq!([1, 9, 1].map(|count| images(of_five.as_ref(), count)), six);
    assert_ne!(five, six);
}

#[test]
fn equal_models_are_equal_bytes_wherever_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let first = written(&folder.path().join("a.safetensors"), 1);
    assert_eq!(first, written(&folder.path().join("b.safetensors"), 1));
    assert_ne!(first, written(&folder.path().join("c.safetensors"), 2));
}

#[test]
fn a_file_that_is_no_generator_is_refused_by_name_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.safetensors");
    let refusal = || {
        let error = load_generator(&path, &Device::Cpu).map(|_| ()).unwrap_err();
        assert!(!error.hint().is_empty());
        let text = error.to_string();
        assert!(text.contains("g.safetensors") && !text.contains('\n'), "{text}");
        text
    };
    assert!(refusal().contains("cannot read"));
    std::fs::create_dir(&path).unwrap();
    assert!(refusal().contains("not a regular file"));
    std::fs::remove_dir(&path).unwrap();

    let good = written(&path, 1);
    for length in (0..good.len()).step_by(97) {
        std::fs::write(&path, &good[..length]).unwrap();
        assert!(refusal().contains("is not a generator file"), "cut to {length}");
    }
    std::fs::write(&path, [0xff; 64]).unwrap();
    refusal();

    // Edits of the header that keep its length, so that nothing but the edited value is wrong.
    let edited = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = good.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut bytes = good.clone();
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        std::fs::write(&path, bytes).unwrap();
        refusal()
    };
    assert!(edited("main.0.weight", "main.0.weighs").contains("main.0.weight is missing"));
    assert!(
        edited("\\\"base_width\\\":4", "\\\"base_width\\\":8")
            .contains("main.0.weight is f32 [6, 8, 4, 4], not f32 [6, 16, 4, 4]")
    );
    assert!(edited("\\\"latent_dim\\\":6", "\\\"latent_dim\\\":0").contains("latent_dim is 0"));
    assert!(edited("\\\"format\\\":1", "\\\"format\\\":2").contains("format 2"));
    assert!(edited("\\\"latent\\\"", "\\\"latont\\\"").contains("latont"));
    assert!(edited("\\\"family\\\":\\\"dcgan\\\"", "\\\"family\\\":\\\"dcgam\\\"").contains("dcgam"));

    let discriminator = config().discriminator(1, &Device::Cpu).unwrap();
    std::fs::write(&path, discriminator_to_bytes(discriminator.as_ref()).unwrap()).unwrap();
    assert!(refusal().contains("it holds a discriminator"));
}

#[test]
fn a_file_that_fits_in_part_is_refused_with_every_difference() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.safetensors");
    let bytes = written(&path, 1);
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let mut tensors = gan_models::candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let first = tensors.remove("main.0.weight").unwrap();
    tensors.insert("main.3.weight".into(), first.clone());
    tensors.insert(
        "main.1.bias".into(),
        tensors["main.1.bias"].to_dtype(gan_models::candle_core::DType::F64).unwrap(),
    );
    tensors.insert("backdoor".into(), first);
    std::fs::write(&path, safetensors::serialize(tensors, metadata.metadata().clone()).unwrap()).unwrap();
    let text = load_generator(&path, &Device::Cpu).map(|_| ()).unwrap_err().to_string();
    for difference in [
        "main.0.weight is missing",
        "main.1.bias is f64 [8], not f32 [8]",
        "main.3.weight is f32 [6, 8, 4, 4], not f32 [8, 4, 4, 4]",
        "there is no place for backdoor",
    ] {
        assert!(text.contains(difference), "{difference} in {text}");
    }
}

#[test]
fn any_change_of_a_generator_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.safetensors");
    let good = written(&path, 1);
    assert_eq!(inspect_file(&path).unwrap().checksum, Checksum::Holds);
    for at in (0..good.len()).step_by(good.len() / 400 + 1) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bytes).unwrap();
        assert!(load_generator(&path, &Device::Cpu).is_err(), "bit {} of byte {at}", at % 8);
        assert!(inspect_file(&path).map_or(true, |info| info.checksum == Checksum::Broken), "byte {at}");
    }
}

#[test]
fn a_file_without_a_checksum_is_read_and_said_to_have_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.safetensors");
    let bytes = written(&path, 1);
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let mut header: serde_json::Value =
        serde_json::from_str(&metadata.metadata().as_ref().unwrap()["gan"]).unwrap();
    header.as_object_mut().unwrap().remove("sha256").unwrap();
    let tensors = gan_models::candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let metadata = std::collections::HashMap::from([("gan".to_owned(), header.to_string())]);
    std::fs::write(&path, safetensors::serialize(tensors, Some(metadata)).unwrap()).unwrap();
    assert!(load_generator(&path, &Device::Cpu).is_ok(), "as other programs write it");
    assert_eq!(inspect_file(&path).unwrap().checksum, Checksum::Absent);

    std::fs::write(
        &path,
        safetensors::serialize([("x", Tensor::new(1f32, &Device::Cpu).unwrap())], None).unwrap(),
    )
    .unwrap();
    let info = inspect_file(&path).unwrap();
    assert!(info.model.is_none() && info.tensors.len() == 1);
}

#[test]
fn of_a_file_that_promises_more_than_its_networks_have_only_the_header_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.safetensors");
    let bytes = written(&path, 1);
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let gan = serde_json::to_string(&metadata.metadata().as_ref().unwrap()["gan"]).unwrap();
    let length = 1u64 << 42; // 4 TiB, none of it on the disk
    let header = format!(
        "{{\"__metadata__\":{{\"gan\":{gan}}},\
         \"x\":{{\"dtype\":\"F32\",\"shape\":[{}],\"data_offsets\":[0,{length}]}}}}",
        length / 4
    );
    std::fs::write(&path, [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(8 + header.len() as u64 + length).unwrap();
    let text = load_generator(&path, &Device::Cpu).map(|_| ()).unwrap_err().to_string();
    assert!(text.contains("bytes, and such a network at most "), "{text}");
    // Without our metadata there is no checksum to read it for.
    let header = header.replace("\"gan\":", "\"gun\":");
    std::fs::write(&path, [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()).unwrap();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(8 + header.len() as u64 + length)
        .unwrap();
    assert_eq!(inspect_file(&path).unwrap().tensors["x"].1, [1 << 40]);
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_with_its_name() {
    let generator = config().generator(1, &Device::Cpu).unwrap();
    let error = save_generator(generator.as_ref(), Path::new("/nowhere/at/all/g.safetensors")).unwrap_err();
    assert!(error.to_string().contains("cannot write /nowhere/at/all/g.safetensors"), "{error}");
}

#[test]
fn images_of_a_loaded_generator_keep_no_graph() {
    for config in [config(), ModelConfig { norm_g: Some(Norm::Spectral), ..config() }] {
        let bytes = generator_to_bytes(config.generator(1, &Device::Cpu).unwrap().as_ref()).unwrap();
        let loaded = generator_from_bytes(&bytes, &Device::Cpu).unwrap();
        let z = config.latent_space().sample(0, 2, &Device::Cpu).unwrap();
        let images = loaded.forward(&z, &Context::eval()).unwrap();
        assert!(!images.track_op(), "each image would keep the whole graph");
    }
}

#[test]
fn a_generator_that_holds_nan_is_refused_with_the_name_of_the_tensor() {
    for (name, value) in [("main.0.weight", f32::NAN), ("main.1.running_var", f32::INFINITY)] {
        let generator = config().generator(1, &Device::Cpu).unwrap();
        let params = generator.params();
        let var = params.parameters().get(name).or(params.buffers().get(name)).unwrap();
        let mut values = var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        values[1] = value;
        var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
        let bytes = generator_to_bytes(generator.as_ref()).unwrap();
        let error = generator_from_bytes(&bytes, &Device::Cpu).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(&format!("{name} holds NaN or infinity")), "{error}");
    }
}

/// Files of before called a weight under spectral norm `weight`, and its vectors `weight_u` and `weight_v`.
#[test]
fn spectral_norm_has_pytorchs_names_and_those_of_before_still_load() {
    let config = ModelConfig { norm_g: Some(Norm::Spectral), ..config() };
    let generator = config.generator(3, &Device::Cpu).unwrap();
    let state = generator.params().state_dict();
    for name in ["original", "0._u", "0._v"] {
        assert!(state.contains_key(&format!("main.0.parametrizations.weight.{name}")), "{:?}", state.keys());
    }
    let before = |name: &String| {
        let name = name.replace("parametrizations.weight.original", "weight");
        name.replace("parametrizations.weight.0._", "weight_")
    };
    let old: BTreeMap<String, Tensor> =
        state.iter().map(|(name, tensor)| (before(name), tensor.clone())).collect();
    assert!(old.contains_key("main.0.weight_u") && !old.keys().any(|name| name.contains("parametrizations")));

    let bytes = generator_to_bytes(generator.as_ref()).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let mut header: serde_json::Value =
        serde_json::from_str(&metadata.metadata().as_ref().unwrap()["gan"]).unwrap();
    header.as_object_mut().unwrap().remove("sha256").unwrap();
    let metadata = std::collections::HashMap::from([("gan".to_owned(), header.to_string())]);
    let file = safetensors::serialize(&old, Some(metadata)).unwrap();
    let from_file = generator_from_bytes(&file, &Device::Cpu).unwrap();
    let from_state = config.generator(4, &Device::Cpu).unwrap();
    from_state.params().load_state_dict(&old).unwrap();
    for loaded in [from_file, from_state] {
        assert_eq!(generator_to_bytes(loaded.as_ref()).unwrap(), bytes);
    }
}
