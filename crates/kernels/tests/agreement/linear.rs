//! Every implementation against candle's own operations.

use candle_core::{DType, Device, Tensor};
use omnivale_kernels::{Activation, After, Kernel, Linear};
use proptest::prelude::*;

use crate::support::{off, values};

const ACTIVATIONS: [Activation; 5] =
    [Activation::None, Activation::Relu, Activation::Gelu, Activation::QuickGelu, Activation::Silu];

fn activated(z: &Tensor, activation: Activation) -> Tensor {
    let sigmoid = |x: Tensor| ((x.neg().unwrap().exp().unwrap() + 1.0).unwrap()).recip().unwrap();
    match activation {
        Activation::None => z.clone(),
        Activation::Relu => z.relu().unwrap(),
        Activation::Gelu => z.gelu_erf().unwrap(),
        Activation::QuickGelu => (z * sigmoid((z * 1.702).unwrap())).unwrap(),
        Activation::Silu => (z * sigmoid(z.clone())).unwrap(),
    }
}

/// What the layer should give, by candle, in f64.
fn expected(x: &Tensor, w: &Tensor, b: &Tensor, activation: Activation) -> Tensor {
    let wide = |x: &Tensor| x.to_dtype(DType::F64).unwrap();
    let z = wide(x).matmul(&wide(w).t().unwrap()).unwrap().broadcast_add(&wide(b)).unwrap();
    activated(&z, activation)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_implementation_agrees_with_candle(
        rows in 1usize..70,
        inputs in 1usize..200,
        outputs in 1usize..100,
        activation in 0usize..5,
        format in 0usize..3,
        seed in any::<u32>(),
    ) {
        let activation = ACTIVATIONS[activation];
        let format = [DType::F32, DType::BF16, DType::F16][format];
        let cast = |x: Tensor| x.to_dtype(format).unwrap();
        let x = cast(values(&[rows, inputs], seed));
        let w = cast(values(&[outputs, inputs], seed ^ 1));
        let b = values(&[outputs], seed ^ 2);
        let residual = values(&[rows, outputs], seed ^ 3);
        let factor = values(&[rows, outputs], seed ^ 4);
        let reference = expected(&x, &w, &b, activation);
        let sums = expected(&x, &w, &b, Activation::None);
        let largest = off(&sums, &sums.zeros_like().unwrap()).max(1.0);
        let both = (&reference * factor.to_dtype(DType::F64).unwrap()).unwrap();
        let both = (both + (residual.to_dtype(DType::F64).unwrap() * 0.5).unwrap()).unwrap();
        for kernel in Kernel::available() {
            let linear = Linear::with(&w, Some(&b), kernel).unwrap();
            // Sums of up to 200 products of numbers below 1, rounded to f32. candle rounds them to the weight's format:
            // by one part in 512 or 4096 of the sum, and half of its steps on the way are as coarse.
            let near = match (kernel, format) {
                (Kernel::Tensors, DType::BF16) => largest / 128.0,
                (Kernel::Tensors, DType::F16) => largest / 1024.0,
                _ => 2e-5,
            };
            let wide = After { activation, dtype: Some(DType::F32), ..After::default() };
            let y = linear.forward_then(&x, &wide).unwrap();
            prop_assert_eq!(y.dims(), &[rows, outputs]);
            prop_assert!(off(&y, &reference) < near, "{:?} {:?}: {:e}", kernel, format, off(&y, &reference));
            let all = After { factor: Some(&factor), residual: Some((&residual, 0.5)), ..wide.clone() };
            let y = linear.forward_then(&x, &all).unwrap();
            prop_assert!(off(&y, &both) < near, "{:?} with all: {:e}", kernel, off(&y, &both));
            let y = linear.forward(&x).unwrap();
            prop_assert_eq!(y.dtype(), format);
        }
    }

    #[test]
    fn a_row_is_the_same_in_any_company_and_on_any_number_of_threads(
        rows in 2usize..200,
        inputs in 1usize..1500,
        outputs in 1usize..80,
        half in any::<bool>(),
        seed in any::<u32>(),
    ) {
        let format = if half { DType::BF16 } else { DType::F32 };
        let x = values(&[rows, inputs], seed);
        let w = values(&[outputs, inputs], seed ^ 1).to_dtype(format).unwrap();
        // oneDNN, another's library, has threads of its own and promises nothing.
        for kernel in Kernel::available().into_iter().filter(|kernel| *kernel != Kernel::OneDnn) {
            let linear = Linear::with(&w, None, kernel).unwrap();
            let with = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let y = pool.install(|| linear.forward(&x).unwrap());
                y.to_vec2::<f32>().unwrap()
            };
            let alone = with(1);
            prop_assert_eq!(&alone, &with(3), "{:?}", kernel);
            // candle's product chooses its blocks by the number of rows.
            if matches!(kernel, Kernel::Plain | Kernel::Tensors) {
                continue;
            }
            let last = linear.forward(&x.narrow(0, rows - 1, 1).unwrap()).unwrap();
            prop_assert_eq!(&last.to_vec2::<f32>().unwrap()[0], &alone[rows - 1]);
        }
    }
}

#[test]
fn a_transposed_input_is_taken_as_it_is_meant() {
    let x = values(&[7, 5], 1).t().unwrap();
    let w = values(&[3, 7], 2);
    let reference = x.matmul(&w.t().unwrap()).unwrap();
    for kernel in Kernel::available() {
        let y = Linear::with(&w, None, kernel).unwrap().forward(&x).unwrap();
        assert!(off(&y, &reference) < 1e-5, "{kernel:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for kernel in Kernel::available() {
        let linear = Linear::with(&values(&[3, 7], 2), None, kernel).unwrap();
        assert!(linear.forward(&values(&[2, 6], 1)).unwrap_err().to_string().contains("7 inputs"));
        let (x, wrong) = (values(&[2, 7], 1), values(&[2, 4], 1));
        let after = After { residual: Some((&wrong, 1.0)), ..After::default() };
        assert!(linear.forward_then(&x, &after).is_err(), "{kernel:?}");
        assert!(Linear::with(&values(&[3, 7], 2), Some(&values(&[4], 1)), kernel).is_err());
        assert_eq!(linear.forward(&values(&[0, 7], 1)).unwrap().dims(), [0, 3], "{kernel:?}");
        let whole = values(&[3, 7], 2).to_dtype(DType::U32).unwrap();
        assert!(Linear::with(&whole, None, kernel).is_err(), "{kernel:?}");
        let empty = Linear::with(&values(&[3, 0], 2), None, kernel).unwrap_err().to_string();
        assert!(empty.contains("no inputs"), "{empty}");
    }
}

#[test]
fn another_implementation_is_used_for_a_while_on_one_thread() {
    let before = Kernel::chosen();
    Kernel::Tensors.used_in(|| {
        assert_eq!(Kernel::chosen(), Ok(Kernel::Tensors));
        Kernel::Plain.used_in(|| assert_eq!(Kernel::chosen(), Ok(Kernel::Plain)));
        assert_eq!(Kernel::chosen(), Ok(Kernel::Tensors));
        let elsewhere = std::thread::spawn(Kernel::chosen).join().unwrap();
        assert_eq!(elsewhere, before);
    });
    assert_eq!(Kernel::chosen(), before);
}

#[test]
fn infinities_and_what_is_no_number_stay_visible() {
    let x = Tensor::new(&[[f32::NAN], [f32::INFINITY], [f32::NEG_INFINITY]], &Device::Cpu).unwrap();
    let w = Tensor::new(&[[1f32]], &Device::Cpu).unwrap();
    for kernel in Kernel::available() {
        for activation in ACTIVATIONS {
            let linear = Linear::with(&w, None, kernel).unwrap();
            let after = After { activation, ..After::default() };
            let y = linear.forward_then(&x, &after).unwrap().to_vec2::<f32>().unwrap();
            assert!(y[0][0].is_nan(), "{kernel:?} {activation:?}: {y:?}");
            assert_eq!(y[1][0], f32::INFINITY, "{kernel:?} {activation:?}");
        }
    }
}

#[test]
fn an_unknown_implementation_is_refused_with_the_names_there_are() {
    let message = Kernel::named("fast").unwrap_err().to_string();
    assert!(message.contains("OMNIVALE_KERNEL=fast: no such implementation"), "{message}");
    assert!(message.contains("plain"), "{message}");
    for kernel in Kernel::ALL {
        match Kernel::named(kernel.name()) {
            Ok(found) => assert!(found == kernel && Kernel::available().contains(&kernel)),
            Err(error) => {
                let start = format!("OMNIVALE_KERNEL={} cannot run here: ", kernel.name());
                assert!(error.to_string().starts_with(&start), "{error}");
                assert!(!Kernel::available().contains(&kernel));
            }
        }
    }
}
