//! Networks written with candle-nn alone, as they are.

use crate::latent::LatentSpace;
use crate::networks::{Discriminator, DiscriminatorOutput, Generator};
use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, Layout, MetalStorage, Result, Shape, Storage, Tensor, Var,
};
use candle_nn::{ModuleT, VarMap};
use gan_nn::{Context, Mode, Params};

/// A network written with candle-nn alone (`VarBuilder`, `VarMap`, `ModuleT`) as a generator or a discriminator: it is
/// trained, averaged, saved and resumed as it is.
///
/// It is slower than one of gan-nn's layers, and has no second derivatives, so no gradient penalties. What Candle's own ops
/// get wrong stays wrong: convolutions of some sizes of non-square images, upsampling whose input is used elsewhere too,
/// `softmax_last_dim` and `layer_norm`'s fast paths in training (they drop gradients). Running statistics (`running_mean`,
/// `running_var`) are no parameters: no optimizer steps them, and averaged weights go with those of the trained ones.
pub struct CandleNetwork<M> {
    name: String,
    module: M,
    params: Params,
    latent_space: LatentSpace,
}

impl<M: ModuleT + Send + Sync> CandleNetwork<M> {
    /// A generator: latents `[N, Z]` -> images `[N, C, H, W]` in [-1, 1]. `vars` has all variables of the module; `name` is
    /// what its files call it.
    pub fn generator(name: &str, module: M, vars: &VarMap, latent_space: LatentSpace) -> Self {
        Self { name: name.to_owned(), module, params: Params::of_vars(vars), latent_space }
    }

    /// A discriminator: images `[N, C, H, W]` -> logits `[N]` or `[N, ...]`.
    pub fn discriminator(name: &str, module: M, vars: &VarMap) -> Self {
        let none = LatentSpace { dim: 0, latent: crate::Latent::Gaussian };
        Self::generator(name, module, vars, none)
    }

    fn run(&self, x: &Tensor, context: &Context) -> Result<Tensor> {
        let train = context.mode != Mode::Eval;
        if context.tracked {
            return self.module.forward_t(x, train);
        }
        // The weights of candle-nn's layers are variables, always: so their graph stays inside, and only the gradient of
        // the input comes out.
        let inner_x = Var::from_tensor(&x.detach())?;
        let y = self.module.forward_t(&inner_x, train)?.contiguous()?;
        if !x.track_op() {
            return Ok(y.detach());
        }
        x.apply_op1(Untracked { inner_x, y })
    }
}

impl<M: ModuleT + Send + Sync> Generator for CandleNetwork<M> {
    fn forward(&self, latents: &Tensor, context: &Context) -> Result<Tensor> {
        self.run(latents, context)
    }

    fn params(&self) -> &Params {
        &self.params
    }

    fn latent_space(&self) -> LatentSpace {
        self.latent_space
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl<M: ModuleT + Send + Sync> Discriminator for CandleNetwork<M> {
    fn forward(&self, images: &Tensor, context: &Context) -> Result<DiscriminatorOutput> {
        let logits = self.run(images, context)?;
        let count = images.dim(0)?;
        let logits = if logits.elem_count() == count { logits.reshape(count)? } else { logits };
        Ok(DiscriminatorOutput::new(logits))
    }

    fn params(&self) -> &Params {
        &self.params
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// input -> what a network has made of it, the graph of which is hidden.
struct Untracked {
    inner_x: Var,
    y: Tensor,
}

impl CustomOp1 for Untracked {
    fn name(&self) -> &'static str {
        "untracked"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        match &*self.y.storage_and_layout().0 {
            Storage::Cpu(storage) => Ok((storage.try_clone(self.y.layout())?, self.y.shape().clone())),
            _ => candle_core::bail!("a network moved its input to another device"),
        }
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        match &*self.y.storage_and_layout().0 {
            Storage::Cuda(storage) => Ok((storage.try_clone(self.y.layout())?, self.y.shape().clone())),
            _ => candle_core::bail!("a network moved its input to another device"),
        }
    }

    fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> Result<(MetalStorage, Shape)> {
        match &*self.y.storage_and_layout().0 {
            Storage::Metal(storage) => Ok((storage.try_clone(self.y.layout())?, self.y.shape().clone())),
            _ => candle_core::bail!("a network moved its input to another device"),
        }
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let store = (&self.y * dy)?.sum_all()?.backward()?;
        Ok(Some(store.get(&self.inner_x).cloned().unwrap_or(x.zeros_like()?)))
    }
}
