//! The moving average of a generator's weights.

use candle_core::{Device, Tensor};
use gan_models::{Generator, Mode};

use crate::error::Result;
use crate::state::State;

/// A second generator whose weights are the exponential moving average of the trained one's: smoother images from the
/// same run (Yazici et al. 2019).
///
/// Averaged weights do not fit the running statistics of any single step, so batch-norm statistics are not averaged but
/// estimated anew from generated batches whenever the average is used.
pub struct Ema {
    decay: f64,
    generator: Box<dyn Generator>,
}

impl Ema {
    /// Starts from the weights of `live`.
    pub fn new(live: &dyn Generator, decay: f64, device: &Device) -> Result<Self> {
        let generator = live.config().generator(0, device)?;
        generator.params().load_state_dict(&live.params().state_dict())?;
        generator.params().set_requires_grad(false);
        Ok(Self { decay, generator })
    }

    /// Takes in the weights of `live` after step `step` (from 1). Early on the average is shorter,
    /// `min(decay, (1 + step) / (10 + step))`, so that the initial weights are soon forgotten.
    pub fn update(&mut self, live: &dyn Generator, step: u64) -> Result<()> {
        let step = step as f64;
        let decay = self.decay.min((1.0 + step) / (10.0 + step));
        let live = live.params().parameters();
        for (average, live) in self.generator.params().parameters().values().zip(live.values()) {
            gan_ops::lerp_in_place(average, live, 1.0 - decay)?;
        }
        Ok(())
    }

    /// The averaged weights. The batch-norm statistics are estimated anew whenever the average is used.
    pub(crate) fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        for (name, var) in self.generator.params().parameters() {
            state.tensor(name, var);
        }
        state
    }

    /// The averaged generator, its batch-norm statistics estimated from these batches of latents, with these classes if it is
    /// conditional; and the singular vectors of spectral norm from those of `live`.
    pub fn recalibrated(
        &self,
        live: &dyn Generator,
        latents: impl IntoIterator<Item = candle_core::Result<Tensor>>,
        classes: Option<&[u32]>,
    ) -> Result<&dyn Generator> {
        self.generator.params().reset_statistics()?;
        self.generator.params().copy_singular_vectors(live.params())?;
        for z in latents {
            self.generator.forward(&z?, classes, Mode::Recalibrate)?;
        }
        Ok(self.generator.as_ref())
    }
}
