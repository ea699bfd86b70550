#!/usr/bin/env python3
"""picture.py < ESCAPED > PICTURE.svg: draws what `tmux capture-pane -e -p` printed as an SVG.

The picture in the README is made from the real program:
    tests/lab up; tmux -L pic new-session -d -x 120 -y 36 'lightsout -c LAB/config.toml'; (keys)
    tmux -L pic capture-pane -e -p | python3 tests/labkit/picture.py > assets/lightsout.svg
"""

import html
import re
import sys
import unicodedata

CELL_WIDTH, CELL_HEIGHT, MARGIN = 8.4, 18, 12
BACKGROUND, FOREGROUND = "#14171c", "#c9d1d9"
PALETTE = [
    "#30363d", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4",
    "#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc",
]
SEQUENCE = re.compile(r"\x1b\[([0-9;:]*)m|\x1b[()][0-9A-B]|[\x0e\x0f]")


class Look:
    """Colours and attributes, as SGR sequences left them."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.fg = self.bg = None
        self.bold = self.dim = self.reverse = self.underline = False

    def apply(self, parameters):
        numbers = [int(n or 0) for n in re.split("[;:]", parameters)] if parameters else [0]
        while numbers:
            n = numbers.pop(0)
            if n == 0:
                self.reset()
            elif n == 1:
                self.bold = True
            elif n == 2:
                self.dim = True
            elif n == 4:
                self.underline = True
            elif n == 7:
                self.reverse = True
            elif n == 22:
                self.bold = self.dim = False
            elif n == 24:
                self.underline = False
            elif n == 27:
                self.reverse = False
            elif n in (38, 48):
                colour = self.extended(numbers)
                if n == 38:
                    self.fg = colour
                else:
                    self.bg = colour
            elif 30 <= n <= 37:
                self.fg = PALETTE[n - 30]
            elif 90 <= n <= 97:
                self.fg = PALETTE[n - 82]
            elif n == 39:
                self.fg = None
            elif 40 <= n <= 47:
                self.bg = PALETTE[n - 40]
            elif 100 <= n <= 107:
                self.bg = PALETTE[n - 92]
            elif n == 49:
                self.bg = None

    @staticmethod
    def extended(numbers):
        kind = numbers.pop(0) if numbers else 0
        if kind == 2 and len(numbers) >= 3:
            return "#%02x%02x%02x" % (numbers.pop(0), numbers.pop(0), numbers.pop(0))
        if kind != 5 or not numbers:
            return None
        index = numbers.pop(0)
        if index < 16:
            return PALETTE[index]
        if index >= 232:
            return "#%02x%02x%02x" % ((8 + 10 * (index - 232),) * 3)
        index -= 16
        steps = (0, 95, 135, 175, 215, 255)
        return "#%02x%02x%02x" % (steps[index // 36], steps[index // 6 % 6], steps[index % 6])

    def style(self):
        """Foreground, background (or None), weight, opacity, decoration."""
        fg, bg = self.fg or FOREGROUND, self.bg
        if self.reverse:
            fg, bg = bg or BACKGROUND, fg
        return fg, bg, self.bold, self.dim, self.underline


def width(ch):
    if unicodedata.combining(ch):
        return 0
    return 2 if unicodedata.east_asian_width(ch) in "WF" else 1


def runs(line, look):
    """(column, columns, text, style) of each stretch of one look."""
    column, at, out = 0, 0, []
    while at < len(line):
        found = SEQUENCE.match(line, at)
        if found:
            if found.group(1) is not None:
                look.apply(found.group(1))
            at = found.end()
            continue
        ch, style = line[at], look.style()
        if out and out[-1][3] == style and out[-1][0] + out[-1][1] == column:
            start, columns, text, _ = out[-1]
            out[-1] = (start, columns + width(ch), text + ch, style)
        else:
            out.append((column, width(ch), ch, style))
        column, at = column + width(ch), at + 1
    return out, column


def main():
    look, rows, columns = Look(), [], 0
    for line in sys.stdin.read().rstrip("\n").split("\n"):
        row, used = runs(line, look)
        rows.append(row)
        columns = max(columns, used)
    wide, high = columns * CELL_WIDTH + 2 * MARGIN, len(rows) * CELL_HEIGHT + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" '
          f'font-family="ui-monospace, DejaVu Sans Mono, Menlo, monospace" font-size="14">')
    print(f'<rect width="100%" height="100%" rx="6" fill="{BACKGROUND}"/>')
    for number, row in enumerate(rows):
        top = MARGIN + number * CELL_HEIGHT
        for column, used, text, (fg, bg, bold, dim, underline) in row:
            left, across = MARGIN + column * CELL_WIDTH, used * CELL_WIDTH
            if bg:
                print(f'<rect x="{left:.1f}" y="{top}" width="{across:.1f}" height="{CELL_HEIGHT}" fill="{bg}"/>')
            if text.strip():
                more = ' font-weight="bold"' * bold + ' opacity="0.6"' * dim + ' text-decoration="underline"' * underline
                print(f'<text x="{left:.1f}" y="{top + 13.5}" textLength="{across:.1f}" xml:space="preserve" '
                      f'fill="{fg}"{more}>{html.escape(text)}</text>')
    print("</svg>")


main()
