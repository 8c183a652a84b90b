//! A network of candle-nn alone as a generator or discriminator.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{BatchNormConfig, Module, ModuleT, VarBuilder, VarMap, batch_norm, linear};
use gan_models::{CandleNetwork, Context, Discriminator};

fn critic() -> CandleNetwork<impl ModuleT> {
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    let (first, last) = (linear(6, 5, vb.pp("first")).unwrap(), linear(5, 1, vb.pp("last")).unwrap());
    let norm = batch_norm(5, BatchNormConfig::default(), vb.pp("norm")).unwrap();
    let net =
        candle_nn::func_t(move |x, train| last.forward(&norm.forward_t(&first.forward(x)?, train)?.tanh()?));
    CandleNetwork::discriminator("critic", net, &vars)
}

#[test]
fn an_untracked_pass_gives_the_gradient_of_the_input_and_none_to_weights() {
    let critic = critic();
    let x = Var::from_tensor(&Tensor::arange(0f32, 24.0, &Device::Cpu).unwrap().reshape((4, 6)).unwrap())
        .unwrap();
    let gradients = |context: &Context| {
        let logits = critic.forward(&x, context).unwrap().flat_logits().unwrap();
        assert_eq!(logits.dims(), [4]);
        let weights = Tensor::new(&[1f32, -2.0, 3.0, 0.5], &Device::Cpu).unwrap();
        (logits * weights).unwrap().sum_all().unwrap().backward().unwrap()
    };
    let (tracked, untracked) = (gradients(&Context::train()), gradients(&Context::train().untracked()));
    let of_input = |store: &candle_core::backprop::GradStore| {
        store.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(of_input(&tracked), of_input(&untracked));
    let weight = &critic.params().parameters()["first.weight"];
    assert!(tracked.get(weight).is_some() && untracked.get(weight).is_none());
    let sampled = critic.forward(&x.as_detached_tensor(), &Context::eval()).unwrap();
    assert!(!sampled.logits[0].track_op(), "what only samples keeps no graph");
}

#[test]
fn running_statistics_are_no_parameters() {
    let critic = critic();
    let params = critic.params();
    let names: Vec<&str> = params.parameters().keys().map(String::as_str).collect();
    assert_eq!(names, ["first.bias", "first.weight", "last.bias", "last.weight", "norm.bias", "norm.weight"]);
    let buffers: Vec<&str> = params.buffers().keys().map(String::as_str).collect();
    assert_eq!(buffers, ["norm.running_mean", "norm.running_var"]);
}
