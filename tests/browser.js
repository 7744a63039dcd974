// What browser.py asks a page: each function says what is wrong in words, or reads off what a reader would see.
({
    // All of it that a look tells.
    look() {
        const all = selector => [...document.querySelectorAll(selector)];
        return {
            policy: document.querySelector('meta[http-equiv=Content-Security-Policy]')?.content ?? '',
            words: document.body.innerText,
            text: document.body.textContent,
            attributes: all('*').flatMap(e => [...e.attributes].map(a => `${e.localName}[${a.name}]=${a.value}`)),
            ids: all('[id]').map(element => element.id),
            links: all('a[href]').map(link => link.getAttribute('href')),
            nameless: all('h1, h2, h3, a, th[scope=row], tbody tr > :first-child')
                .filter(element => !element.textContent.trim()).map(element => element.parentElement.outerHTML),
            active_content: this.activeContent(),
            chart_faults: this.chartFaults(),
            direction_faults: this.directionFaults(),
        };
    },

    // Whatever could do something: scripts, handlers, frames, addresses that run, things from elsewhere. A link to the web
    // does nothing until it is followed, and then tells nobody where from.
    activeContent() {
        const active = new RegExp('^(script|i?frame|object|embed|img|image|form|input|button|base|link|audio|video'
            + '|foreignobject|set|animate.*)$', 'i');
        const address = /^\s*(javascript|data|vbscript|https?|\/\/)/i;
        return [...document.querySelectorAll('*')].flatMap(element => {
            const isLink = element.matches('a[href^="https://"][rel~=noreferrer], a[href^="http://"][rel~=noreferrer]');
            const name = element.localName, found = active.test(name) ? [`<${name}>`] : [];
            if (element.matches('link[rel=icon][href="data:,"]')) return []; // else a browser asks for one
            for (const {name: key, value} of element.attributes) {
                const isAddress = !isLink && /href$|^src|^action$|^data$/i.test(key) && address.test(value);
                if (isAddress || /^on/i.test(key) || /url\(\s*['"]?(?!#)/i.test(value))
                    found.push(`${name}[${key}=${value}]`);
            }
            return found;
        });
    },

    // Text is where the boxes of its lines are. Ascents and descents of two lines of HTML may touch, so a line counts
    // with its middle 60 %; text of a drawing counts with its whole box. Nothing counts under a pixel.
    layoutFaults() {
        const TOLERANCE = 1;
        const faults = [], pieces = [];

        const isShown = element => element.checkVisibility({opacityProperty: true, visibilityProperty: true});
        const short = text => text.trim().replace(/\s+/g, ' ').slice(0, 60);
        const say = box => `[${[box.left, box.top, box.right, box.bottom].map(Math.round)}]`;
        const leaves = (inner, outer) => inner.left < outer.left - TOLERANCE || inner.right > outer.right + TOLERANCE
            || inner.top < outer.top - TOLERANCE || inner.bottom > outer.bottom + TOLERANCE;
        const middleOf = line => ({left: line.left, right: line.right,
            top: line.top + line.height / 5, bottom: line.bottom - line.height / 5});

        function* blocksAround(element) {
            for (let at = element; at && at !== document.body; at = at.parentElement) {
                const style = getComputedStyle(at);
                if (!['inline', 'contents'].includes(style.display))
                    yield [at, style.overflowX + style.overflowY, at.getBoundingClientRect()];
            }
        }

        // Clipped to nothing on purpose, for those who listen to the page.
        function isOnlyHeard(element) {
            for (let at = element; at; at = at.parentElement) {
                const style = getComputedStyle(at);
                if (style.position === 'absolute' && at.getBoundingClientRect().width <= 1) return true;
            }
            return false;
        }

        function lookAtDrawing(svg) {
            const frame = svg.getBoundingClientRect();
            for (const text of svg.querySelectorAll('text')) {
                if (!isShown(text) || !text.textContent.trim()) continue;
                const box = text.getBoundingClientRect(), words = short(text.textContent);
                if (leaves(box, frame)) faults.push(`leaves its drawing: ${words} ${say(box)} in ${say(frame)}`);
                pieces.push({node: text, box, words});
            }
        }

        function lookAtLine(node, line) {
            const words = short(node.data), middle = middleOf(line);
            for (const [block, overflow, box] of blocksAround(node.parentElement)) {
                if (/auto|scroll/.test(overflow)) return; // can be scrolled to
                const kind = block.matches('td, th') ? 'cell' : block.classList.contains('card') ? 'card' : '';
                if (/hidden|clip/.test(overflow) && leaves(middle, box))
                    faults.push(`is cut off: ${words} ${say(line)} by ${block.localName}.${block.className} ${say(box)}`);
                else if (kind && leaves(middle, box)) faults.push(`leaves its ${kind}: ${words} ${say(line)} in ${say(box)}`);
            }
            if (line.left < -TOLERANCE || line.right > innerWidth + TOLERANCE)
                faults.push(`leaves the window: ${words} ${say(line)}`);
            pieces.push({node, box: middle, words});
        }

        // A word of usual length that goes on in another line; longer ones may have to, and a "-" may end a line.
        function lookForBrokenWords(node) {
            const around = /[^\s\-–—/\u2010-\u2015\u200b]*$/, onward = /^[^\s\-–—/\u2010-\u2015\u200b]*/;
            for (const {0: word, index} of node.data.matchAll(/(?<![\p{L}\p{N}_])[\p{L}\p{N}_]{2,20}(?![\p{L}\p{N}_])/gu)) {
                const [before] = node.data.slice(0, index).match(around), [whole] = node.data.slice(index).match(onward);
                if (before.length + whole.length > 20) continue;
                const range = document.createRange();
                range.setStart(node, index);
                range.setEnd(node, index + word.length);
                const lines = [...range.getClientRects()].filter(line => line.width >= 1);
                if (lines.some(line => Math.abs(line.top - lines[0].top) > line.height / 2))
                    faults.push(`breaks within a word: ${word} ${say(range.getBoundingClientRect())}`);
            }
        }

        function lookAtText() {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const node = walker.currentNode, parent = node.parentElement;
                if (!node.data.trim() || parent.closest('svg, style') || !isShown(parent) || isOnlyHeard(parent)) continue;
                const range = document.createRange();
                range.selectNodeContents(node);
                const lines = [...range.getClientRects()].filter(line => line.width >= 1 && line.height >= 1);
                for (const line of lines) lookAtLine(node, line);
                if (lines.length > 1) lookForBrokenWords(node);
            }
        }

        function lookForOverlaps() {
            pieces.sort((a, b) => a.box.top - b.box.top);
            pieces.forEach((a, i) => {
                for (let j = i + 1; j < pieces.length && pieces[j].box.top < a.box.bottom - TOLERANCE; j++) {
                    const b = pieces[j];
                    const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
                    const down = Math.min(a.box.bottom, b.box.bottom) - b.box.top;
                    if (a.node !== b.node && across > TOLERANCE && down > TOLERANCE)
                        faults.push(`lies on other text: ${a.words} ${say(a.box)} and ${b.words} ${say(b.box)}`);
                }
            });
        }

        const {scrollWidth} = document.scrollingElement;
        if (scrollWidth > innerWidth) faults.push(`scrolls sideways: ${scrollWidth} px in ${innerWidth}`);
        document.querySelectorAll('svg').forEach(lookAtDrawing);
        lookAtText();
        lookForOverlaps();
        return faults;
    },

    // Drawings without a name and a description that holds a figure of their card; charts without a table.
    chartFaults() {
        const faults = [];
        const numbers = text => (text.match(/\d[\d,.]*\d|\d/g) ?? []).map(number => number.replace(/,/g, ''));
        function lookAtDrawing(svg) {
            const figure = svg.closest('figure'), name = figure.dataset.chart, [title, description] = svg.children;
            const named = svg.getAttribute('aria-labelledby')?.split(' ').map(id => document.getElementById(id)) ?? [];
            if (title?.localName !== 'title' || description?.localName !== 'desc' || svg.getAttribute('role') !== 'img'
                || named[0] !== title || named[1] !== description || !title.textContent.trim())
                return faults.push(`${name}: is not an image named by its title and desc`);
            const card = (svg.closest('.card, section') ?? figure).cloneNode(true);
            card.querySelectorAll('title, desc').forEach(said => said.remove());
            const around = new Set(numbers(card.textContent)), said = `${title.textContent} ${description.textContent}`;
            if (!/not known/i.test(said) && !numbers(said).some(number => around.has(number)))
                faults.push(`${name}: is described without a figure of its card: ${description.textContent}`);
        }
        function lookForTable(figure) {
            const name = figure.dataset.chart.replace(/_narrow$/, '');
            const place = name.startsWith('sparkline_')
                ? figure.closest('section') : document.querySelector(`figure[data-chart=${name}]`);
            const table = place?.querySelector('details table');
            if (!table?.querySelector('th') || !table.querySelector('tbody tr'))
                faults.push(`${figure.dataset.chart}: has no table of its data behind <details>`);
        }
        document.querySelectorAll('figure[data-chart] svg').forEach(lookAtDrawing);
        document.querySelectorAll('figure[data-chart]').forEach(lookForTable);
        if (document.querySelector('svg:not(figure[data-chart] *):not([aria-hidden=true])'))
            faults.push('an svg that is neither a chart nor hidden from those who listen');
        return faults;
    },

    // Text from right to left, or with marks that turn text around, that is neither isolated nor alone in its block.
    directionFaults() {
        const faults = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const node = walker.currentNode;
            if (!/[\u0590-\u08ff\u202a-\u202e\u2066-\u2069]/.test(node.data) || node.parentElement.closest('svg')) continue;
            let at = node.parentElement;
            const isIsolated = element => /isolate|plaintext/.test(getComputedStyle(element).unicodeBidi);
            const isInline = element => /^(inline|contents)$/.test(getComputedStyle(element).display);
            while (isInline(at) && !isIsolated(at)) at = at.parentElement;
            if (isInline(at) || at.innerText.trim() === node.data.trim()) continue;
            const within = at.innerText.trim().slice(0, 80);
            faults.push(`${node.data.trim().slice(0, 40)} in <${at.localName}>: ${within}`);
        }
        return faults;
    },

    // [label, middle, fill] of the labelled months, from left to right, of a chart as drawn for this window, and [value, middle] of its y axis' ticks.
    points(chart) {
        const drawings = document.querySelectorAll(`figure[data-chart^=${chart}] svg`);
        const svg = [...drawings].find(svg => svg.checkVisibility());
        const middle = element => (box => (box.top + box.bottom) / 2)(element.getBoundingClientRect());
        const edge = (element, side) => element.getBoundingClientRect()[side];
        const marks = [...svg.querySelectorAll('[aria-label]:not(g)')]
            .filter(mark => /^\S+ \d{4}: /.test(mark.getAttribute('aria-label')))
            .sort((a, b) => edge(a, 'left') - edge(b, 'left'));
        const numbers = [...svg.querySelectorAll('text')].filter(text => /^[\d,.]+%?$/.test(text.textContent.trim()));
        const columns = [...Map.groupBy(numbers, text => Math.round(edge(text, 'right')))].sort(([a], [b]) => a - b);
        const [, axis] = columns.find(([, texts]) => texts.length > 1) ?? [0, []];
        return [
            marks.map(mark => [mark.getAttribute('aria-label'), middle(mark), getComputedStyle(mark).fill]),
            axis.map(text => [parseFloat(text.textContent.replace(/,/g, '')), middle(text)]),
        ];
    },

    // {name: full value} of the figures that name their value for machines; null where none is given.
    figures() {
        return Object.fromEntries([...document.querySelectorAll('[data-figure]')].map(figure =>
            [figure.dataset.figure, figure.hasAttribute('value') ? Number(figure.getAttribute('value')) : null]));
    },

    // Give each card a colour of its own; [name, colour] of those that are shown.
    colourCards() {
        const shown = [...document.querySelectorAll('.card')].filter(card => card.checkVisibility());
        return shown.map((card, number) => {
            const colour = [200 + (number >> 4), 3 + 16 * (number & 15), 77];
            card.style.setProperty('background', `rgb(${colour})`, 'important');
            card.style.setProperty('print-color-adjust', 'exact', 'important');
            return [`${number} ${card.id || card.closest('[id]')?.id}`, colour];
        });
    },
})
