'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const body = $('rows');
  if (!body) return;
  const rows = [...body.rows];
  const natural = new Intl.Collator(undefined, { numeric: true });

  // Sorting: a second click turns the order round; ties keep the order they had.
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  const compare = (a, b) => (typeof a === 'number' ? a - b : natural.compare(a, b));
  for (const button of document.querySelectorAll('th button')) {
    button.addEventListener('click', () => {
      const head = button.closest('th');
      const column = head.cellIndex;
      const turned = { ascending: 'descending', descending: 'ascending' };
      const order = turned[head.ariaSort] ?? button.dataset.first ?? 'ascending';
      for (const other of head.parentElement.querySelectorAll('[aria-sort]')) other.ariaSort = 'none';
      head.ariaSort = order;
      const sign = order === 'ascending' ? 1 : -1;
      rows.sort((a, b) => sign * compare(value(a, column), value(b, column)));
      body.append(...rows);
    });
  }

  const filter = $('filter');
  const texts = new Map(rows.map((row) => [row, row.textContent.replace(/\s+/g, ' ').toLowerCase()]));
  filter.addEventListener('input', () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of rows) {
      row.hidden = !words.every((word) => texts.get(row).includes(word));
      if (!row.hidden) found += 1;
    }
    $('found').textContent = words.length ? `${found} of ${$('found').dataset.all}` : '';
    $('nothing').hidden = found > 0;
  });
})();
