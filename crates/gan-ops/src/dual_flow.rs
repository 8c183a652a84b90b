//! Dual numbers on their way through a network.

use crate::activation::Activation;
use crate::dual_number::Dual;
use crate::flow::Flow;
use crate::gradient::Parameter;
use crate::norm_kind::NormKind;
use crate::row_norm::dual_norm;
use candle_core::{Result, Tensor};

/// To a [`Dual`] what a [`Flow`] is to a tensor: a value and its derivative in one direction, of the same
/// shape, outside of Candle's graph, the gradients of both in buffers of their own.
///
/// What is linear does the same to both; a weight gets its gradient from both, in one place.
#[derive(Clone)]
pub struct DualFlow {
    /// What a network computes.
    pub value: Flow,
    /// How fast that changes as the input of the network moves along the direction.
    pub tangent: Flow,
}

impl DualFlow {
    /// A dual number, to flow through a network.
    pub fn enter(x: &Dual) -> Result<Self> {
        Ok(Self { value: Flow::enter(&x.value)?, tangent: Flow::enter(&x.tangent)? })
    }

    /// The dual number that came out of the network.
    pub fn leave(self) -> Result<Dual> {
        Ok(Dual { value: self.value.leave()?, tangent: self.tangent.leave()? })
    }

    /// The lengths of the dimensions of either.
    pub fn dims(&self) -> &[usize] {
        self.value.dims()
    }

    /// Any op that is linear in x (and has no constant term): its derivative is itself.
    pub fn map_linear(self, op: impl Fn(Flow) -> Result<Flow>) -> Result<Self> {
        Ok(Self { value: op(self.value)?, tangent: op(self.tangent)? })
    }

    /// An op on tensors, between leaving the flow and entering it again.
    pub fn by_tensors(self, op: impl FnOnce(&Dual) -> Result<Dual>) -> Result<Self> {
        Self::enter(&op(&self.leave()?)?)
    }

    /// The value has gone through an activation: the tangent follows.
    fn after(activation: Activation, value: Flow, tangent: Flow) -> Result<Self> {
        let tangent = tangent.activation_tangent(activation, &value)?;
        Ok(Self { value, tangent })
    }

    /// [`crate::conv2d`], a bias `[O]` and an activation.
    pub fn conv2d(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        stride: usize,
        padding: usize,
        activation: Activation,
    ) -> Result<Self> {
        let tangent = self.tangent.conv2d(weight, stride, padding, Activation::Identity)?;
        let value = match bias {
            Some(bias) => self.value.conv2d_with_bias(weight, bias, stride, padding, activation)?,
            None => self.value.conv2d(weight, stride, padding, activation)?,
        };
        Self::after(activation, value, tangent)
    }

    /// [`crate::conv_transpose2d`] without output padding, a bias `[O]` and an activation.
    pub fn conv_transpose2d(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        stride: usize,
        padding: usize,
        activation: Activation,
    ) -> Result<Self> {
        let op = |x: Flow, activation: Activation| x.conv_transpose2d(weight, stride, padding, 0, activation);
        let tangent = op(self.tangent, Activation::Identity)?;
        let value = match bias {
            Some(bias) => op(self.value, Activation::Identity)?.add_bias(bias, activation)?,
            None => op(self.value, activation)?,
        };
        Self::after(activation, value, tangent)
    }

    /// [`Flow::linear`].
    pub fn linear(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        activation: Activation,
    ) -> Result<Self> {
        let tangent = self.tangent.linear(weight, None, Activation::Identity)?;
        Self::after(activation, self.value.linear(weight, bias, activation)?, tangent)
    }

    /// [`Flow::activate`].
    pub fn activate(self, activation: Activation) -> Result<Self> {
        Self::after(activation, self.value.activate(activation)?, self.tangent)
    }

    /// [`Flow::instance_norm2d`].
    pub fn instance_norm2d(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        self.row_norm(NormKind::Instance, [weight, bias], eps, activation)
    }

    /// [`Flow::layer_norm`].
    pub fn layer_norm(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        self.row_norm(NormKind::Layer, [weight, bias], eps, activation)
    }

    fn row_norm(
        self,
        kind: NormKind,
        parameters: [&Parameter; 2],
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        let (value, tangent) = dual_norm((self.value, self.tangent), kind, parameters, eps, activation)?;
        Self::after(activation, value, tangent)
    }

    /// [`Flow::batch_norm2d_eval`]: linear, channel by channel.
    pub fn batch_norm2d_eval(
        self,
        weight: &Parameter,
        bias: &Parameter,
        running_mean: &Tensor,
        running_var: &Tensor,
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        let none = running_mean.zeros_like()?.detach();
        let tangent = self.tangent.batch_norm2d_eval(
            weight,
            &(&none).into(),
            &none,
            running_var,
            eps,
            Activation::Identity,
        )?;
        let value = self.value.batch_norm2d_eval(weight, bias, running_mean, running_var, eps, activation)?;
        Self::after(activation, value, tangent)
    }

    /// [`Flow::modulate`].
    pub fn modulate(self, gamma: &Tensor, beta: &Tensor, activation: Activation) -> Result<Self> {
        let none = beta.zeros_like()?.detach();
        let tangent = self.tangent.modulate(gamma, &none, Activation::Identity)?;
        Self::after(activation, self.value.modulate(gamma, beta, activation)?, tangent)
    }

    /// [`Flow::add`].
    #[expect(clippy::should_implement_trait, reason = "the sum of two shapes is an error")]
    pub fn add(self, other: Self) -> Result<Self> {
        Ok(Self { value: self.value.add(other.value)?, tangent: self.tangent.add(other.tangent)? })
    }
}
