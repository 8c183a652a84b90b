//! Norms, resampling, attention, their second derivatives, and gradients of gradient penalties against PyTorch
//! (assets/fixtures/make_regularizers.py).

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use candle_core::{DType, Device, Result, Tensor, Var, safetensors};
use common::relative_difference;
use gan_ops::{Activation, Dual, power_iteration, spectral_norm};
use std::collections::HashMap;

const EPS: f64 = 1e-5;
const LRELU: Activation = Activation::LeakyRelu(0.2);

/// What the fixture holds of a case, as tensors of a type.
struct Case {
    tensors: HashMap<String, Tensor>,
    name: String,
    dtype: DType,
}

impl Case {
    fn new(name: &str, dtype: DType) -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/regularizers.safetensors");
        let tensors = safetensors::load(path, &Device::Cpu).unwrap();
        Self { tensors, name: name.to_string(), dtype }
    }

    fn get(&self, name: &str) -> Tensor {
        self.tensors[&format!("{}.{name}", self.name)].to_dtype(self.dtype).unwrap()
    }

    fn var(&self, name: &str) -> Var {
        Var::from_tensor(&self.get(name)).unwrap()
    }

    fn expect(&self, name: &str, ours: &Tensor, tolerance: f64) {
        assert_eq!(ours.dtype(), self.dtype);
        let tolerance = if self.dtype == DType::F64 { tolerance } else { 1e-5 };
        let difference = relative_difference(
            &ours.to_dtype(DType::F64).unwrap(),
            &self.tensors[&format!("{}.{name}", self.name)],
        );
        assert!(difference < tolerance, "{}.{name} differs from PyTorch by {difference}", self.name);
    }

    /// Gradients of `sum(y * dy)`; what is missing in Candle's store is 0.
    fn expect_gradients(
        &self,
        prefix: &str,
        y: &Tensor,
        dy: &Tensor,
        inputs: &[(&str, &Var)],
        tolerance: f64,
    ) {
        let grads = (y * dy).unwrap().sum_all().unwrap().backward().unwrap();
        for (name, input) in inputs {
            let ours = grads.get(input).cloned().unwrap_or_else(|| input.zeros_like().unwrap());
            self.expect(&format!("{prefix}{name}"), &ours, tolerance);
        }
    }
}

type Plain = fn(&Tensor, &[Var]) -> Result<Tensor>;
type OnDual = fn(&Dual, &[Var]) -> Result<Dual>;

/// Value and gradients of an op; the same of its reference on dual numbers, whose tangent has gradients too.
fn check(name: &str, parameters: &[&str], plain: Option<Plain>, on_dual: OnDual) -> Result<()> {
    for dtype in [DType::F64, DType::F32] {
        let case = Case::new(name, dtype);
        let x = case.var("x");
        let vars: Vec<Var> = parameters.iter().map(|name| case.var(name)).collect();
        let mut inputs = vec![("x", &x)];
        inputs.extend(parameters.iter().copied().zip(&vars));
        let (dy, t) = (case.get("dy"), case.get("t"));

        let dual = on_dual(&Dual::new(&x, &t)?, &vars)?;
        let mut values = vec![dual.value];
        if let Some(plain) = plain {
            values.push(plain(&x, &vars)?);
        }
        for y in values {
            case.expect("y", &y, 1e-10);
            case.expect_gradients("d", &y, &dy, &inputs, 1e-10);
        }
        case.expect("yt", &dual.tangent, 1e-10);
        case.expect_gradients("h", &dual.tangent, &dy, &inputs, 1e-10);
    }
    Ok(())
}

#[test]
fn norms_are_pytorchs() -> Result<()> {
    let affine = &["weight", "bias"];
    check("instance_norm2d", affine, Some(|x, p| gan_ops::instance_norm2d(x, &p[0], &p[1], EPS)), |x, p| {
        x.instance_norm2d(&p[0], &p[1], EPS)
    })?;
    for name in ["layer_norm", "layer_norm_flat"] {
        check(name, affine, Some(|x, p| gan_ops::layer_norm(x, &p[0], &p[1], EPS)), |x, p| {
            x.layer_norm(&p[0], &p[1], EPS)
        })?;
    }
    check(
        "batch_norm2d",
        affine,
        Some(|x, p| Ok(gan_ops::batch_norm2d_train(x, &p[0], &p[1], EPS, Activation::Identity)?.output)),
        |x, p| x.batch_norm2d_train(&p[0], &p[1], EPS),
    )?;
    check("modulate", &["gamma", "beta"], Some(|x, p| gan_ops::modulate(x, &p[0], &p[1])), |x, p| {
        x.modulate(&p[0], &p[1])
    })
}

#[test]
fn resampling_is_pytorchs() -> Result<()> {
    use gan_ops::{avg_pool2d, max_pool2d, pixel_shuffle, upsample_nearest2d as upsample};
    check("upsample_nearest2d", &[], Some(|x, _| upsample(x, 2)), |x, _| x.upsample_nearest2d(2))?;
    check("upsample_nearest2d_by_3", &[], Some(|x, _| upsample(x, 3)), |x, _| x.upsample_nearest2d(3))?;
    // The input of an upsampling has other uses: Candle's own forgets their gradients.
    check(
        "upsample_fan_out",
        &[],
        Some(|x, _| upsample(&x.sqr()?, 2)? + upsample(x, 2)?.tanh()?),
        |x, _| {
            let square = Dual { value: x.value.sqr()?, tangent: ((&x.value * &x.tangent)? * 2.0)? };
            square.upsample_nearest2d(2)?.add(&x.upsample_nearest2d(2)?.activate(Activation::Tanh)?)
        },
    )?;
    check("pixel_shuffle", &[], Some(|x, _| pixel_shuffle(x, 2)), |x, _| x.pixel_shuffle(2))?;
    check("avg_pool2d", &[], Some(|x, _| avg_pool2d(x, 2)), |x, _| x.avg_pool2d(2))?;
    check("avg_pool2d_by_3", &[], Some(|x, _| avg_pool2d(x, 3)), |x, _| x.avg_pool2d(3))?;
    check("max_pool2d", &[], Some(|x, _| max_pool2d(x, 2)), |x, _| x.max_pool2d(2))?;
    check("max_pool2d_by_3", &[], Some(|x, _| max_pool2d(x, 3)), |x, _| x.max_pool2d(3))
}

#[test]
fn attention_is_pytorchs() -> Result<()> {
    check("softmax", &[], Some(|x, _| gan_ops::softmax(x)), |x, _| x.softmax())?;
    // Channels 0 and 1 are the query, 2 and 3 the key, 4 to 6 the value; the last two have four places of six.
    fn key(x: &Tensor) -> Result<Tensor> {
        x.narrow(1, 2, 2)?.narrow(2, 0, 4)
    }
    fn value(x: &Tensor) -> Result<Tensor> {
        x.narrow(1, 4, 3)?.narrow(2, 0, 4)
    }
    check(
        "attention",
        &[],
        Some(|x, _| gan_ops::attention(&x.narrow(1, 0, 2)?, &key(x)?, &value(x)?)),
        |x, _| {
            let query = x.map_linear(|x| x.narrow(1, 0, 2))?;
            Dual::attention(&query, &x.map_linear(key)?, &x.map_linear(value)?)
        },
    )
}

#[test]
fn layers_have_pytorchs_second_derivatives() -> Result<()> {
    check("relu", &[], Some(|x, _| gan_ops::relu(x)), |x, _| x.activate(Activation::Relu))?;
    check("leaky_relu", &[], Some(|x, _| gan_ops::leaky_relu(x, 0.2)), |x, _| x.activate(LRELU))?;
    check("tanh", &[], Some(|x, _| gan_ops::tanh(x)), |x, _| x.activate(Activation::Tanh))?;
    check("conv2d", &["weight", "bias"], None, |x, p| x.conv2d(&p[0], Some(&p[1]), 2, 1))?;
    check("linear", &["weight", "bias"], None, |x, p| x.linear(&p[0], Some(&p[1])))?;
    check("gram", &[], None, |x, _| x.matmul(&x.map_linear(|x| x.transpose(1, 2))?))?;
    check("scale", &["weight"], None, |x, p| x.scale(&p[0]))?;
    check("residual", &[], None, |x, _| x.add(&x.activate(Activation::Tanh)?))?;
    check("sum_spatial", &[], None, |x, _| x.sum_spatial())?;
    check("cat", &["labels"], None, |x, p| Dual::cat(&[x, &Dual::constant(&p[0])?], 1))
}

#[test]
fn spectral_norm_is_pytorchs_step_by_step() -> Result<()> {
    for name in ["spectral_norm", "spectral_norm_transposed"] {
        for dtype in [DType::F64, DType::F32] {
            let case = Case::new(name, dtype);
            let weight = case.var("weight");
            let dim = case.tensors[&format!("{name}.dim")].to_vec1::<i64>()?[0] as usize;
            let (mut u, mut v) = (case.get("u.0"), case.get("v.0"));
            for step in 1..=2 {
                (u, v) = power_iteration(&weight, dim, &u, &v, 1e-12)?;
                case.expect(&format!("u.{step}"), &u, 1e-10);
                case.expect(&format!("v.{step}"), &v, 1e-10);
                let y = spectral_norm(&weight, dim, &u, &v)?;
                case.expect(&format!("y.{step}"), &y, 1e-10);
                let dy = case.get("dy");
                let grads = (y * dy)?.sum_all()?.backward()?;
                case.expect(&format!("dweight.{step}"), grads.get(&weight).unwrap(), 1e-10);
            }
            case.expect("y.eval", &spectral_norm(&weight, dim, &u, &v)?, 1e-10);
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_done_is_an_error() -> Result<()> {
    let ones = |shape: &[usize]| Tensor::ones(shape, DType::F64, &Device::Cpu);
    let (image, one) = (ones(&[2, 3, 4, 5])?, ones(&[1])?);
    let vector = ones(&[3])?;
    assert!(gan_ops::instance_norm2d(&ones(&[2, 3, 1, 1])?, &vector, &vector, EPS).is_err());
    assert!(gan_ops::layer_norm(&ones(&[4, 1])?, &one, &one, EPS).is_err());
    assert!(gan_ops::layer_norm(&image, &one, &one, EPS).is_err(), "broadcasting is not for weights");
    assert!(gan_ops::modulate(&image, &ones(&[1, 3])?, &ones(&[2, 3])?).is_err());
    assert!(gan_ops::upsample_nearest2d(&image, 0).is_err());
    assert!(gan_ops::pixel_shuffle(&image, 2).is_err());
    assert!(gan_ops::pixel_shuffle(&image, 0).is_err());
    assert!(gan_ops::avg_pool2d(&image, 0).is_err());
    assert!(gan_ops::max_pool2d(&image, 5).is_err());
    assert!(power_iteration(&vector, 0, &vector, &one, 1e-12).is_err());
    assert!(power_iteration(&image, 4, &vector, &one, 1e-12).is_err());
    assert!(spectral_norm(&image, 1, &vector, &ones(&[39])?).is_err());
    assert!(Dual::new(&image, &vector).is_err());
    // A weight of zeros has no direction, but u and v stay finite.
    let (u, v) = power_iteration(&image.zeros_like()?, 1, &vector, &ones(&[40])?, 1e-12)?;
    assert_eq!((u.sum_all()?.to_scalar::<f64>()?, v.sum_all()?.to_scalar::<f64>()?), (0.0, 0.0));
    Ok(())
}

/// The weights of a network, and what belongs to it besides.
struct Weights {
    learned: HashMap<String, Var>,
    case: Case,
}

impl Weights {
    fn get(&self, name: &str) -> &Tensor {
        &self.learned[name]
    }

    /// A weight as the network uses it.
    fn normalised(&self, name: &str) -> Result<Tensor> {
        if self.case.name != "network.spectral_norm" {
            return Ok(self.get(name).clone());
        }
        let vector = |kind| self.case.get(&format!("{name}.{kind}"));
        spectral_norm(self.get(name), 0, &vector("u"), &vector("v"))
    }
}

type Network = fn(&Weights, &Dual) -> Result<Dual>;

/// `[conv, LeakyReLU, conv, norm, LeakyReLU, linear]`
fn plain(w: &Weights, x: &Dual) -> Result<Dual> {
    let h = x.conv2d(&w.normalised("conv1")?, Some(w.get("bias1")), 2, 1)?.activate(LRELU)?;
    let bias = w.learned.get("bias2").map(Var::as_tensor);
    let h = h.conv2d(&w.normalised("conv2")?, bias, 1, 1)?;
    let norm = |name: &str| w.get(&format!("norm.{name}"));
    let h = match w.case.name.as_str() {
        "network.instance_norm" => h.instance_norm2d(norm("weight"), norm("bias"), EPS)?,
        "network.layer_norm" => h.layer_norm(norm("weight"), norm("bias"), EPS)?,
        "network.batch_norm" => h.batch_norm2d_train(norm("weight"), norm("bias"), EPS)?,
        _ => h,
    };
    let h = h.activate(LRELU)?.reshape((x.value.dim(0)?, ()))?;
    h.linear(&w.normalised("linear")?, Some(w.get("bias")))
}

/// A residual block that halves the image, tanh, and a projection discriminator's head.
fn residual(w: &Weights, x: &Dual) -> Result<Dual> {
    let h = x.conv2d(w.get("conv0"), Some(w.get("bias0")), 1, 1)?;
    let r = h.activate(LRELU)?.conv2d(w.get("conv1"), Some(w.get("bias1")), 1, 1)?;
    let r = r.activate(Activation::Relu)?.conv2d(w.get("conv2"), Some(w.get("bias2")), 1, 1)?;
    let shortcut = h.conv2d(w.get("shortcut"), None, 1, 0)?.avg_pool2d(2)?;
    let h = r.avg_pool2d(2)?.add(&shortcut)?.activate(Activation::Tanh)?.sum_spatial()?;
    let projection = h.scale(w.get("embedding"))?.map_linear(|h| h.sum_keepdim(1))?;
    h.linear(w.get("linear"), Some(w.get("bias")))?.add(&projection)
}

/// `[conv, LeakyReLU, SAGAN's attention, LeakyReLU, sum over pixels, linear]`
fn self_attention(w: &Weights, x: &Dual) -> Result<Dual> {
    let h = x.conv2d(w.get("conv"), Some(w.get("bias1")), 1, 1)?.activate(LRELU)?;
    let (n, _, height, width) = h.value.dims4()?;
    let pixels = |x: &Dual| x.map_linear(|x| x.flatten_from(2));
    let query = pixels(&h.conv2d(w.get("query"), None, 1, 0)?)?;
    let key = pixels(&h.conv2d(w.get("key"), None, 1, 0)?.max_pool2d(2)?)?;
    let value = pixels(&h.conv2d(w.get("value"), None, 1, 0)?.max_pool2d(2)?)?;
    let o = Dual::attention(&query, &key, &value)?.reshape((n, (), height, width))?;
    let h = o.conv2d(w.get("out"), None, 1, 0)?.scale(w.get("gamma"))?.add(&h)?.activate(LRELU)?;
    h.sum_spatial()?.linear(w.get("linear"), Some(w.get("bias")))
}

/// `10 * mean((|g| - 1)^2)`: WGAN-GP and DRAGAN.
fn lipschitz_penalty(g: &Tensor) -> Result<Tensor> {
    let norm = g.flatten_from(1)?.sqr()?.sum(1)?.sqrt()?;
    (norm - 1.0)?.sqr()?.mean_all()? * 10.0
}

/// `10 / 2 * mean(|g|^2)`
fn r1_penalty(g: &Tensor) -> Result<Tensor> {
    g.flatten_from(1)?.sqr()?.sum(1)?.mean_all()? * 5.0
}

fn check_penalties(name: &str, network: Network) -> Result<()> {
    for dtype in [DType::F64, DType::F32] {
        let case = Case::new(&format!("network.{name}"), dtype);
        let prefix = format!("network.{name}.w.");
        let names = case.tensors.keys().filter_map(|name| name.strip_prefix(&prefix));
        let learned: HashMap<_, _> =
            names.map(|name| (name.to_string(), case.var(&format!("w.{name}")))).collect();
        assert!(!learned.is_empty());
        let w = Weights { learned, case };
        let images = Case::new("images", dtype);
        type Penalty = fn(&Tensor) -> Result<Tensor>;
        let penalties: [(&str, &str, Penalty); 3] = [
            ("wgan_gp", "x", lipschitz_penalty),
            ("r1", "x", r1_penalty),
            ("dragan", "near", lipschitz_penalty),
        ];
        for (kind, at, penalty) in penalties {
            let x = images.var(at);
            let logits = network(&w, &Dual::constant(&x)?)?.value;
            w.case.expect(&format!("{at}.logits"), &logits, 1e-10);
            let g = Var::from_tensor(logits.sum_all()?.backward()?.get(&x).unwrap())?;
            w.case.expect(&format!("{at}.g"), &g, 1e-10);

            let p = penalty(&g)?;
            w.case.expect(&format!("{kind}.penalty"), &p, 1e-10);
            let v = p.backward()?.remove(&g).unwrap();

            let tangent = network(&w, &Dual::new(&x.as_detached_tensor(), &v.detach())?)?.tangent;
            let inputs: Vec<_> = w.learned.iter().map(|(name, var)| (name.as_str(), var)).collect();
            let one = tangent.ones_like()?;
            w.case.expect_gradients(&format!("{kind}.d."), &tangent, &one, &inputs, 1e-9);
        }
    }
    Ok(())
}

#[test]
fn gradients_of_penalties_are_pytorchs_double_backward() -> Result<()> {
    for name in ["plain", "instance_norm", "layer_norm", "batch_norm", "spectral_norm"] {
        check_penalties(name, plain)?;
    }
    check_penalties("residual", residual)?;
    check_penalties("attention", self_attention)
}

gan_ops::also_on_references!(
    norms_are_pytorchs,
    resampling_is_pytorchs,
    attention_is_pytorchs,
    layers_have_pytorchs_second_derivatives,
    spectral_norm_is_pytorchs_step_by_step,
    what_cannot_be_done_is_an_error,
    gradients_of_penalties_are_pytorchs_double_backward,
);
