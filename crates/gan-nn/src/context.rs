//! What holds for one forward pass.

use candle_core::{Device, Result, Tensor, bail};
use gan_ops::Precision;
use std::sync::OnceLock;

/// How norms behave in a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Normalise by the batch; the running statistics follow it with momentum 0.1, and the singular vectors of spectral
    /// norm are estimated one step further.
    Train,
    /// Normalise by the batch; no statistic and no singular vector changes. For a pass that is made again.
    Frozen,
    /// Normalise by the batch; the running statistics become the plain average over the batches seen since
    /// [`Params::reset_statistics`](crate::Params::reset_statistics).
    Recalibrate,
    /// Normalise by the running statistics: the same input always gives the same output.
    Eval,
}

impl Mode {
    /// Whether statistics and singular vectors follow the batch.
    pub(crate) fn moves(self) -> bool {
        matches!(self, Mode::Train | Mode::Recalibrate)
    }
}

/// What holds for one forward pass. It goes down with the pass; nothing of it is kept in a network.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// How norms behave.
    pub mode: Mode,
    /// Whether parameters record what their gradients need. Gradients of inputs flow through either way.
    pub tracked: bool,
    /// Of the products of convolutions; everything else is f32.
    pub precision: Precision,
    /// The class of each sample, for networks that are told.
    pub classes: Option<&'a [u32]>,
    /// In place of them, the share that each class has in each sample.
    shares: Option<Tensor>,
    one_hot: OnceLock<Tensor>,
}

impl<'a> Context<'a> {
    fn new(mode: Mode, tracked: bool) -> Self {
        let precision = Precision::F32;
        Self { mode, tracked, precision, classes: None, shares: None, one_hot: OnceLock::new() }
    }

    /// Of training: by the batch, tracked.
    pub fn train() -> Self {
        Self::new(Mode::Train, true)
    }

    /// Of evaluation: by the running statistics, untracked, in f32.
    pub fn eval() -> Self {
        Self::new(Mode::Eval, false)
    }

    /// The same in another mode.
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// The same without gradients for parameters.
    #[must_use]
    pub fn untracked(self) -> Self {
        self.tracked_if(false)
    }

    /// The same with gradients for parameters, or without.
    #[must_use]
    pub fn tracked_if(self, tracked: bool) -> Self {
        Self { tracked, ..self }
    }

    /// The same with products of this precision.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The same for samples of these classes.
    #[must_use]
    pub fn of_classes<'b>(self, classes: Option<&'b [u32]>) -> Context<'b> {
        let Self { mode, tracked, precision, .. } = self;
        Context { mode, tracked, precision, classes, shares: None, one_hot: OnceLock::new() }
    }

    /// The same for samples between classes: the share of each class in each sample, `[N, K]`. Whatever a
    /// network makes of a class (numbers beside the input, a learned vector, scales and shifts of norms) is
    /// mixed by these shares.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use gan_nn::Context;
    ///
    /// // Halfway between the classes 0 and 2 of three.
    /// let halfway = Tensor::new(&[[0.5f32, 0.0, 0.5]], &Device::Cpu)?;
    /// let context = Context::eval().of_class_shares(&halfway);
    /// assert_eq!(context.one_hot(3, &Device::Cpu)?.to_vec2::<f32>()?, [[0.5, 0.0, 0.5]]);
    /// # Ok::<(), candle_core::Error>(())
    /// ```
    #[must_use]
    pub fn of_class_shares(self, shares: &Tensor) -> Context<'static> {
        let Self { mode, tracked, precision, .. } = self;
        let shares = Some(shares.clone());
        Context { mode, tracked, precision, classes: None, shares, one_hot: OnceLock::new() }
    }

    /// The class of each sample `[N, K]`, of `known` classes K: 1 at its place, 0 elsewhere; of samples
    /// between classes their shares.
    ///
    /// # Errors
    /// If there are no classes, or one is not among those that are known.
    pub fn one_hot(&self, known: usize, device: &Device) -> Result<&Tensor> {
        if let Some(shares) = &self.shares {
            return match shares.dims() {
                [_, classes] if *classes == known => Ok(shares),
                dims => bail!("the shares of {known} classes are [N, {known}], not {dims:?}"),
            };
        }
        let Some(classes) = self.classes else {
            bail!("the network is conditional: each sample needs one of its {known} classes")
        };
        if let Some(made) = self.one_hot.get().filter(|made| made.dims()[1] == known) {
            return Ok(made);
        }
        let mut values = vec![0f32; classes.len() * known];
        for (i, &class) in classes.iter().enumerate() {
            if class as usize >= known {
                bail!("there is no class {class}: the network knows 0 to {}", known - 1);
            }
            values[i * known + class as usize] = 1.0;
        }
        let made = Tensor::from_vec(values, (classes.len(), known), device)?;
        Ok(self.one_hot.get_or_init(|| made))
    }

    /// An error unless a network that knows so many classes is told one of each of so many samples.
    pub fn expect_classes(&self, known: usize, samples: usize) -> Result<()> {
        if let Some(shares) = &self.shares {
            return match shares.dims() {
                _ if known == 0 => bail!("the network is not conditional: it takes no classes"),
                dims if dims == [samples, known] => Ok(()),
                dims => bail!("the shares of {samples} samples are [{samples}, {known}], not {dims:?}"),
            };
        }
        match (self.classes, known) {
            (None, 0) => Ok(()),
            (Some(_), 0) => bail!("the network is not conditional: it takes no classes"),
            (None, _) => bail!("the network is conditional: each sample needs one of its {known} classes"),
            (Some(classes), _) if classes.len() != samples => {
                bail!("{} classes for {samples} samples", classes.len())
            }
            (Some(_), _) => Ok(()),
        }
    }
}
