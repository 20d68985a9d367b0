//! The page to print: what stands on it, and what does not.

use std::fs;

use keyferry_keystore::{Error, Passphrase, SheetIdentity, Store};

mod fixture;
use fixture::{passphrase, place, quick, store};

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn the_encrypted_identity_stands_on_it() {
    let place = place();
    let mut store = Store::init_with(&place.dir, &passphrase("open sesame"), quick()).unwrap();
    let sheet = store
        .recovery_sheet(&SheetIdentity::AsInStore, "a drawer")
        .unwrap();
    let (svg, pdf) = (sheet.to_svg(), sheet.to_pdf());
    if let Some(folder) = std::env::var_os("KEYFERRY_SHEETS") {
        fs::write(std::path::Path::new(&folder).join("sheet.svg"), &*svg).unwrap();
        fs::write(std::path::Path::new(&folder).join("sheet.pdf"), &*pdf).unwrap();
    }
    assert!(pdf.starts_with(b"%PDF-1.7"));
    for drawn in [&svg, &pdf] {
        for text in [
            store.id().as_str(),
            &store.recipient(),
            "-----BEGIN AGE ENCRYPTED FILE-----",
            "age -d -o identity.txt identity.age",
        ] {
            assert!(contains(drawn, text), "{text}");
        }
        assert!(!contains(drawn, "AGE-SECRET-KEY-") && !contains(drawn, "sesame"));
    }
    let journal = fs::read_to_string(place.dir.join("journal.jsonl")).unwrap();
    assert!(journal.contains("recovery-sheet-made") && journal.contains("a drawer"));
    assert_eq!(format!("{sheet:?}"), "RecoverySheet(..)");
}

#[test]
fn an_unprotected_identity_stands_on_it_only_if_that_is_meant() {
    let (place, mut store) = store();
    let refused = store.recovery_sheet(&SheetIdentity::AsInStore, "x");
    assert!(
        matches!(refused, Err(Error::SheetNeedsPassphrase)),
        "{refused:?}"
    );
    let own = Passphrase::new("the sheet's own".to_owned()).unwrap();
    let sheet = store
        .recovery_sheet(&SheetIdentity::Passphrase(own, quick()), "x")
        .unwrap();
    assert!(!contains(&sheet.to_svg(), "AGE-SECRET-KEY-"));
    let sheet = store
        .recovery_sheet(&SheetIdentity::Plaintext, "x")
        .unwrap();
    let identity = fs::read_to_string(place.dir.join("identity.age")).unwrap();
    for line in identity.lines() {
        assert!(contains(&sheet.to_svg(), line) && contains(&sheet.to_pdf(), line));
    }
    assert!(contains(&sheet.to_svg(), "IT IS NOT ENCRYPTED"));
}
