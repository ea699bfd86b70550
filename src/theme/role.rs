//! The names of the parts of the screen, as theme files use them.

macro_rules! roles {
    ($($variant:ident $name:literal $about:literal,)*) => {
        /// A part of the screen that has a look of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Role {
            $(#[doc = $about] $variant,)*
        }

        impl Role {
            /// Every role, in the order of declaration.
            pub const ALL: &[Role] = &[$(Role::$variant),*];

            /// The role's name in theme files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Role::$variant => $name,)*
                }
            }
        }
    };
}

roles! {
    Text "text" "Ordinary text, and the screen's background.",
    Dim "dim" "What matters less.",
    Title "title" "The title bar.",
    TitleReadOnly "title.read-only" "The mark that nothing can be changed.",
    Header "header" "The table's column names.",
    RowCursor "row.cursor" "The row under the cursor while the table has the focus.",
    RowCursorBlur "row.cursor-blur" "The row under the cursor while a console has the focus.",
    RowMarked "row.marked" "A marked row.",
    StateOn "state.on" "A node that is on.",
    StateOff "state.off" "A node that is off.",
    StateUnknown "state.unknown" "A node whose state is not known.",
    StateFailed "state.failed" "A node whose BMC does not answer or refuses.",
    StatePending "state.pending" "A node on which a verb runs.",
    Frame "frame" "The frame of a pane without focus.",
    FrameFocus "frame.focus" "The frame of the focused pane.",
    FrameUnseen "frame.unseen" "The mark of a pane in which something new came.",
    NoticeInfo "notice.info" "A notice that is good to know.",
    NoticeWarn "notice.warn" "A notice to look at.",
    NoticeError "notice.error" "A notice of a failure.",
    HintKey "hint.key" "A key in the hints and in help.",
    HintText "hint.text" "What the key does.",
    Menu "menu" "A menu and its frame.",
    MenuCursor "menu.cursor" "The row under the cursor in a menu.",
    MenuDisabled "menu.disabled" "A row that cannot be picked.",
    Dialog "dialog" "Dialogs, help and details.",
    DialogDanger "dialog.danger" "What a dangerous dialog asks, and its frame.",
    DialogButton "dialog.button" "The button that has the focus.",
    Input "input" "Text being typed.",
    Banner "banner" "A line that must not be missed: prefix armed, scrollback, ending.",
    Selection "selection" "Selected text in the scrollback.",
    Match "match" "The match of a search.",
    Stale "stale" "The screen of a console that is not attached.",
}
