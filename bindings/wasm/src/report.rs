//! What is told of a defect: a panic ends the instance with a trap, and its words and place are left where the page finds them.

use std::cell::RefCell;
use std::fmt::Write as _;

thread_local! {
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// From now on the words of a panic are kept.
pub(crate) fn listen() {
    std::panic::set_hook(Box::new(|panic| {
        SAID.with_borrow_mut(|said| {
            said.clear();
            // Writing to a String cannot fail.
            let _ = write!(said, "{panic}");
        });
    }));
}

/// Words and place of the panic that ended this instance; empty if there was none.
pub(crate) fn said() -> String {
    SAID.with_borrow(Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_leaves_its_words_and_its_place() {
        assert_eq!(said(), "");
        listen();
        let caught = std::panic::catch_unwind(|| panic!("the table has {} legs", 3));
        // Others may want to see theirs.
        drop(std::panic::take_hook());
        assert!(caught.is_err());
        let said = said();
        assert!(said.contains("the table has 3 legs") && said.contains("report.rs:"), "{said}");
    }
}
