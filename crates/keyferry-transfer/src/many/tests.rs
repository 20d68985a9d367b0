use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::course::slots_of;
use super::*;

type TestJob = Job<u64, u64>;

fn jobs(
    count: u64,
    size: u64,
    work: impl Fn(u64, Running) -> BoxFuture<'static, Result<u64, TransferError>>
    + Clone
    + Send
    + 'static,
) -> impl Stream<Item = TestJob> {
    futures::stream::iter((0..count).map(move |number| {
        let work = work.clone();
        Job::new(number, size, move |running| work(number, running))
    }))
}

async fn all(mut outcomes: Outcomes<u64, u64>) -> (Vec<u64>, Vec<u64>, Option<Stopped>) {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    while let Some(outcome) = outcomes.next().await {
        match outcome.result {
            Ok(number) => {
                assert_eq!(number, outcome.context);
                done.push(number);
            }
            Err(_) => failed.push(outcome.context),
        }
    }
    (done, failed, outcomes.stopped())
}

fn failure() -> TransferError {
    TransferError::Task("on purpose".to_owned())
}

fn hopeless() -> TransferError {
    TransferError::NoSuchBucket {
        bucket: "bucket".parse().unwrap(),
    }
}

#[test]
fn large_objects_take_more_slots() {
    assert_eq!(slots_of(0, 64), 1);
    assert_eq!(slots_of(1 << 20, 64), 1);
    assert_eq!(slots_of((1 << 20) + 1, 64), 2);
    assert_eq!(slots_of(u64::MAX, 64), 8);
    assert_eq!(slots_of(u64::MAX, 3), 3);
}

/// No more are under way than there are slots for, and no more are taken from the stream.
#[tokio::test]
async fn no_more_at_once_than_slots() {
    for (size, most) in [(1, 6), (2 << 20, 3), (1 << 30, 1)] {
        let (now, highest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let taken = Arc::new(AtomicUsize::new(0));
        let under_way = Arc::clone(&highest);
        let jobs = jobs(100, size, move |number, running| {
            let (now, highest) = (Arc::clone(&now), Arc::clone(&highest));
            Box::pin(async move {
                let _held = running;
                highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(number)
            })
        });
        let count = Arc::clone(&taken);
        let jobs = futures::StreamExt::inspect(jobs, move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let many = Many::new(
            Engine::default(),
            ManySettings {
                slots: NonZeroUsize::new(6).unwrap(),
                ..ManySettings::default()
            },
        );
        let mut outcomes = many.run(jobs, CancellationToken::new());
        let mut done = 0;
        while let Some(outcome) = outcomes.next().await {
            outcome.result.unwrap();
            done += 1;
            assert!(taken.load(Ordering::SeqCst) <= done + 256 + most + 1);
        }
        assert_eq!((done, outcomes.stopped()), (100, None));
        assert_eq!(under_way.load(Ordering::SeqCst), most);
    }
}

#[tokio::test]
async fn failures_leave_the_others_alone() {
    let jobs = jobs(1000, 1, |number, _| {
        Box::pin(async move {
            match number % 3 {
                0 => Err(failure()),
                1 => Ok(number),
                _ => {
                    tokio::task::yield_now().await;
                    Ok(number)
                }
            }
        })
    });
    let (done, failed, stopped) = all(Many::default().run(jobs, CancellationToken::new())).await;
    assert_eq!((done.len(), failed.len(), stopped), (666, 334, None));
}

/// A job that panics has failed, and keeps its name.
#[tokio::test]
async fn a_panic_is_a_failure() {
    let jobs = jobs(3, 1, |number, _| {
        Box::pin(async move {
            assert!(number != 1, "on purpose");
            Ok(number)
        })
    });
    let (done, failed, stopped) = all(Many::default().run(jobs, CancellationToken::new())).await;
    assert_eq!((done.len(), failed, stopped), (2, vec![1], None));
}

#[tokio::test]
async fn so_many_errors_stop_a_run() {
    let jobs = jobs(10_000, 1, |number, _| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(number % 7)).await;
            if number % 2 == 0 {
                Ok(number)
            } else {
                Err(failure())
            }
        })
    });
    let many = Many::new(
        Engine::default(),
        ManySettings {
            max_errors: NonZeroU64::new(5),
            ..ManySettings::default()
        },
    );
    let (done, failed, stopped) = all(many.run(jobs, CancellationToken::new())).await;
    assert_eq!(stopped, Some(Stopped::TooManyErrors));
    // Those under way are finished.
    assert!(failed.len() >= 5 && done.len() + failed.len() < 500);
}

#[tokio::test]
async fn what_concerns_all_stops_a_run() {
    let jobs = jobs(10_000, 1, |number, _| {
        Box::pin(async move {
            if number == 7 {
                Err(hopeless())
            } else {
                Ok(number)
            }
        })
    });
    let (done, failed, stopped) = all(Many::default().run(jobs, CancellationToken::new())).await;
    assert_eq!((failed, stopped), (vec![7], Some(Stopped::ConcernsAll)));
    assert!(done.len() < 500);
}

/// Small objects are finished, large ones are cancelled, and nothing new is begun.
#[tokio::test]
async fn an_interruption_ends_cleanly() {
    for (count, size, finishes) in [
        (10_000, 1, true),
        (10_000, 1 << 30, false),
        (8, 1 << 30, false),
    ] {
        let cancel = CancellationToken::new();
        let jobs = jobs(count, size, |number, running| {
            Box::pin(async move {
                let work = tokio::time::sleep(Duration::from_millis(300));
                let done = running.cancel().run_until_cancelled(work).await;
                done.map(|()| number).ok_or(TransferError::Interrupted)
            })
        });
        let outcomes = Many::default().run(jobs, cancel.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            cancel.cancel();
        });
        let (done, failed, stopped) = all(outcomes).await;
        assert_eq!(stopped, Some(Stopped::Interrupted));
        let counts = if finishes { (64, 0) } else { (0, 8) };
        assert_eq!((done.len(), failed.len()), counts);
    }
}

/// Small objects that do not end are cancelled after a while.
#[tokio::test]
async fn nothing_holds_up_an_interruption() {
    let cancel = CancellationToken::new();
    let jobs = jobs(100, 1, |_, running| {
        Box::pin(async move {
            running.cancel().cancelled().await;
            Err(TransferError::Interrupted)
        })
    });
    let many = Many::new(
        Engine::default(),
        ManySettings {
            grace: Duration::from_millis(50),
            ..ManySettings::default()
        },
    );
    let outcomes = many.run(jobs, cancel.clone());
    tokio::task::yield_now().await;
    cancel.cancel();
    let (done, failed, _) = all(outcomes).await;
    assert!(done.is_empty() && failed.len() <= 64);
}
