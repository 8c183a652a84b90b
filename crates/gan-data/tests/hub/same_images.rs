//! CIFAR's images as their makers publish them, as parquet and as a folder give the same batches.

use std::fs;
use std::sync::Arc;

use candle_core::Device;
use gan_data::{
    DataLoader, Dataset, Folder, Image, LoaderConfig, Parquet, ProgressCallback, Split, Transform,
    Transforms, to_tensor,
};

use crate::sets::{color, parquet};

/// Two epochs of shuffled and flipped batches, and their labels.
fn batches(dataset: Arc<dyn Dataset>) -> Vec<(Vec<f32>, Option<Vec<u32>>)> {
    let transforms = Transforms::new(vec![Transform::RandomHorizontalFlip { probability: 0.5 }]);
    let config = LoaderConfig { batch_size: 5, seed: 3, workers: 2, ..LoaderConfig::default() };
    let mut loader = DataLoader::new(dataset, transforms, config, &Device::Cpu).unwrap();
    let batch = |_| {
        let batch = loader.next_batch().unwrap();
        assert_eq!(batch.images.dims(), [5, 3, 32, 32]);
        (batch.images.flatten_all().unwrap().to_vec1().unwrap(), batch.labels)
    };
    (0..8).map(batch).collect()
}

fn images(dataset: &dyn Dataset, order: impl IntoIterator<Item = usize>) -> Vec<f32> {
    let images: Vec<Image> = order.into_iter().map(|index| dataset.get(index).unwrap().image).collect();
    to_tensor(&images, &Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn the_same_images_in_any_form_give_the_same_batches() {
    let (rows, binary) = color(20);
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("set.parquet"), parquet(&rows, "img")).unwrap();
    let from_parquet =
        Parquet::open(&place("set.parquet"), Split::Train, &ProgressCallback::default()).unwrap();
    fs::create_dir(place("loose")).unwrap();
    for (i, row) in rows.iter().enumerate() {
        let (image, label) = (row.image.as_ref().unwrap(), row.label.unwrap());
        fs::write(place(&format!("loose/{i:02}.png")), image).unwrap();
        fs::create_dir_all(place(&format!("classes/{label}"))).unwrap();
        fs::write(place(&format!("classes/{label}/{i:02}.png")), image).unwrap();
    }
    let open = |name: &str| Folder::open(&place(name), Split::Train, &ProgressCallback::default()).unwrap();
    let (loose, classes) = (open("loose"), open("classes"));

    // A folder has its images class by class.
    let label = |index: usize| binary.get(index).unwrap().label;
    let mut by_class: Vec<usize> = (0..20).collect();
    by_class.sort_by_key(|&index| label(index));
    assert_eq!(images(&classes, 0..20), images(&binary, by_class.clone()));
    let labels: Vec<_> = (0..20).map(|index| classes.get(index).unwrap().label).collect();
    assert_eq!(labels, by_class.into_iter().map(label).collect::<Vec<_>>());

    let expected = batches(Arc::new(binary));
    assert_eq!(batches(Arc::new(from_parquet)), expected);
    let without_labels: Vec<_> = expected.into_iter().map(|(images, _)| (images, None)).collect();
    assert_eq!(batches(Arc::new(loose)), without_labels);
}
