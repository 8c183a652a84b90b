//! How generated images spread over the classes.

/// How often each class was made.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassBalance {
    /// Images of each class.
    pub counts: Vec<usize>,
}

/// A class with less than this part of its share is missing.
const MISSING: f64 = 0.1;

impl ClassBalance {
    /// Of the classes that a classifier saw in images; `classes` are all that there are.
    pub fn of(predicted: &[u32], classes: usize) -> Self {
        let mut counts = vec![0; classes];
        for &class in predicted {
            if let Some(count) = counts.get_mut(class as usize) {
                *count += 1;
            }
        }
        Self { counts }
    }

    /// Images.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Kullback-Leibler divergence to a uniform distribution, nats: 0 if all classes are made equally often,
    /// ln(classes) if one alone is. 0 of no images.
    pub fn divergence(&self) -> f64 {
        let (total, classes) = (self.total() as f64, self.counts.len() as f64);
        let parts = self.counts.iter().filter(|&&count| count > 0).map(|&count| count as f64 / total);
        parts.map(|part| part * (part * classes).ln()).sum::<f64>().max(0.0)
    }

    /// The classes that hardly occur: less than a tenth of an equal share. None of few images, which say
    /// nothing.
    pub fn missing(&self) -> Vec<usize> {
        let share = self.total() as f64 / self.counts.len().max(1) as f64;
        if share * MISSING < 1.0 {
            return Vec::new();
        }
        (0..self.counts.len()).filter(|&class| (self.counts[class] as f64) < share * MISSING).collect()
    }
}
