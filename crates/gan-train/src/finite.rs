//! Whether all that a checkpoint holds are numbers.

use crate::error::{Error, Result};
use crate::failpoint;
use crate::position::Training;
use candle_core::{DType, Device, Tensor};
use gan_nn::Params;
use std::collections::BTreeMap;

/// Refuses to save a state that is not finite any more.
///
/// # Errors
/// [`Error::NotFinite`] names the first such tensor.
pub(crate) fn check(training: &mut Training<'_>) -> Result<()> {
    let value = failpoint::number("state", 0.0);
    let spoiled = (!value.is_finite()).then(|| ("a tensor".to_owned(), value));
    let found = first(&training.state().tensors())?.or(spoiled);
    refuse(found).map_err(|error| error.at_step(training.position.step))
}

/// Refuses a network that is to be saved: the batch-norm statistics of averaged weights are no part of the state, but
/// estimated when they are used.
///
/// # Errors
/// [`Error::NotFinite`] names the first such tensor.
pub(crate) fn check_params(what: &str, params: &Params) -> Result<()> {
    let found = first(&params.state_dict())?;
    refuse(found.map(|(name, value)| (format!("{name} of {what}"), value)))
}

fn refuse(found: Option<(String, f64)>) -> Result<()> {
    match found {
        Some((tensor, value)) => Err(Error::NotFinite { tensor, value, step: 0, checkpoint: None }),
        None => Ok(()),
    }
}

/// The first tensor that is not finite, and the first value of it that is not.
pub(crate) fn first(tensors: &BTreeMap<String, Tensor>) -> Result<Option<(String, f64)>> {
    for (name, tensor) in tensors.iter().filter(|(_, tensor)| tensor.dtype().is_float()) {
        // On the CPU, where squares are added in double precision: they are finite if every value is.
        let tensor = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
        if !gan_ops::sum_of_squares(&tensor)?.is_finite() {
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            let value = values.into_iter().find(|value| !value.is_finite()).map_or(f64::NAN, f64::from);
            return Ok(Some((name.clone(), value)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::config::TrainConfig;
    use crate::gan::Gan;
    use crate::metadata::Metadata;
    use crate::position::Position;
    use std::sync::Arc;

    fn gan() -> (Gan, Metadata) {
        let text = "image_size = 16\nbase_width = 2\nlatent_dim = 4\nbatch_size = 4\nema = 0.9";
        let config = TrainConfig::from_toml(text).unwrap().resolve().unwrap();
        let data = Arc::new(gan_data::Digits::train(0, 16).unwrap());
        let about = config.metadata(data.as_ref(), &Device::Cpu).unwrap();
        (Gan::from_config(&config, &about.model().unwrap(), data, &Device::Cpu).unwrap(), about)
    }

    #[test]
    fn a_state_that_is_not_finite_is_not_saved_and_the_tensor_is_named() {
        let (mut gan, about) = gan();
        let mut training = Training { system: &mut gan, position: Position::default() };
        let sound = Checkpoint::of(&mut training, &about).unwrap();
        assert_eq!(first(&sound.tensors().unwrap()).unwrap(), None);
        let (tensors, counters) = (training.state().tensors(), training.state().counters());
        for (name, value) in [
            ("discriminator.main.3.running_var", f32::INFINITY),
            ("optimizer_g.v.main.0.weight", f32::INFINITY),
            ("optimizer_d.m.main.0.weight", f32::NAN),
            ("ema_g.main.0.weight", f32::NEG_INFINITY),
        ] {
            let mut spoiled: BTreeMap<String, Tensor> =
                tensors.iter().map(|(name, tensor)| (name.clone(), tensor.copy().unwrap())).collect();
            let shape = spoiled[name].shape().clone();
            let mut values = vec![1e30f32; shape.elem_count()]; // large, but finite
            values[1] = value;
            spoiled.insert(name.into(), Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
            training.state().restore(&spoiled, &counters).unwrap();
            let error = Checkpoint::of(&mut training, &about).err().unwrap();
            assert!(error.is_divergence(), "{error}");
            let said = format!("{name} holds {value} after step 0");
            assert!(error.to_string().starts_with(&said), "{said}: {error}");
            sound.restore(&mut training).unwrap();
            Checkpoint::of(&mut training, &about).unwrap();
        }
    }

    #[test]
    fn statistics_that_are_estimated_for_sampling_are_looked_at_too() {
        let (mut gan, about) = gan();
        let mut training = Training { system: &mut gan, position: Position::default() };
        let state = training.state();
        let (mut tensors, counters) = (state.tensors(), state.counters());
        // Weights that are finite make activations that are not.
        let huge = tensors["ema_g.main.0.weight"].ones_like().unwrap().affine(3e38, 0.0).unwrap();
        tensors.insert("ema_g.main.0.weight".into(), huge);
        let tensors = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.copy().unwrap())).collect();
        training.state().restore(&tensors, &counters).unwrap();
        let error = Checkpoint::of(&mut training, &about).err().unwrap().to_string();
        assert!(error.contains("of the generator to sample from holds "), "{error}");
    }
}
