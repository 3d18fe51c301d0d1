//! A hand for writing CEA-708: commands by their names in CTA-708-E, blocks, packets, triplets.

/// Parameters of `DefineWindow`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Define {
    pub(crate) visible: bool,
    pub(crate) row_lock: bool,
    pub(crate) column_lock: bool,
    pub(crate) priority: u8,
    pub(crate) relative: bool,
    pub(crate) vertical: u8,
    pub(crate) horizontal: u8,
    pub(crate) anchor: u8,
    pub(crate) rows: u8,
    pub(crate) columns: u8,
    pub(crate) window_style: u8,
    pub(crate) pen_style: u8,
}

/// The bytes of a service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service(Vec<u8>);

impl Service {
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// ASCII.
    pub(crate) fn text(self, text: &str) -> Self {
        self.raw(text.as_bytes())
    }

    pub(crate) fn define(self, number: u8, define: Define) -> Self {
        let bit = |set: bool, bit: u8| u8::from(set) << bit;
        self.raw(&[
            0x98 + number,
            bit(define.visible, 5) | bit(define.row_lock, 4) | bit(define.column_lock, 3) | define.priority,
            bit(define.relative, 7) | define.vertical,
            define.horizontal,
            define.anchor << 4 | (define.rows - 1),
            define.columns - 1,
            define.window_style << 3 | define.pen_style,
        ])
    }
    pub(crate) fn clear(self, windows: u8) -> Self {
        self.raw(&[0x88, windows])
    }
    pub(crate) fn display(self, windows: u8) -> Self {
        self.raw(&[0x89, windows])
    }
    pub(crate) fn hide(self, windows: u8) -> Self {
        self.raw(&[0x8a, windows])
    }
    pub(crate) fn toggle(self, windows: u8) -> Self {
        self.raw(&[0x8b, windows])
    }
    pub(crate) fn delete(self, windows: u8) -> Self {
        self.raw(&[0x8c, windows])
    }
    /// Tenths of a second.
    pub(crate) fn delay(self, tenths: u8) -> Self {
        self.raw(&[0x8d, tenths])
    }
    pub(crate) fn cancel_delay(self) -> Self {
        self.raw(&[0x8e])
    }
    pub(crate) fn reset(self) -> Self {
        self.raw(&[0x8f])
    }
    pub(crate) fn pen(self, attributes: [u8; 2]) -> Self {
        self.raw(&[0x90]).raw(&attributes)
    }
    pub(crate) fn pen_colour(self, colours: [u8; 3]) -> Self {
        self.raw(&[0x91]).raw(&colours)
    }
    pub(crate) fn locate(self, row: u8, column: u8) -> Self {
        self.raw(&[0x92, row, column])
    }
    pub(crate) fn window(self, attributes: [u8; 4]) -> Self {
        self.raw(&[0x97]).raw(&attributes)
    }
    pub(crate) fn backspace(self) -> Self {
        self.raw(&[0x08])
    }
    pub(crate) fn form_feed(self) -> Self {
        self.raw(&[0x0c])
    }
    pub(crate) fn carriage_return(self) -> Self {
        self.raw(&[0x0d])
    }
    pub(crate) fn horizontal_return(self) -> Self {
        self.raw(&[0x0e])
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A packet of blocks, of at most 31 bytes each: longer ones become several.
pub(crate) fn packet(sequence: u8, blocks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (service, bytes) in blocks {
        for part in bytes.chunks(31) {
            let size = part.len() as u8;
            match service {
                0..=6 => body.push(service << 5 | size),
                _ => body.extend([7 << 5 | size, *service]),
            }
            body.extend(part);
        }
    }
    // The header is one byte, and the packet is of whole pairs: a null block fills it up.
    if body.len() % 2 == 0 {
        body.push(0);
    }
    assert!(body.len() < 128, "a packet has 128 bytes at most");
    let pairs = body.len().div_ceil(2);
    let header = sequence << 6 | (pairs % 64) as u8;
    [vec![header], body].concat()
}

/// `cc_data` triplets of a packet.
pub(crate) fn triplets(packet: &[u8]) -> Vec<u8> {
    let pairs = packet.chunks(2).enumerate();
    pairs.flat_map(|(at, pair)| [if at == 0 { 0xff } else { 0xfe }, pair[0], pair[1]]).collect()
}
