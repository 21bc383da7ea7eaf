extension FrontPage {
  /// Colours are named once, for light and for dark; on narrow screens each row of the table is a card.
  static let style = """
    :root {
      color-scheme: light dark;
      --page: #f5f6f8; --card: #ffffff; --ink: #1b1f24; --faint: #59636e; --grid: #e1e5ea;
      --front: #0072b2; --dominated: #8a939d; --soft: #e6f1f8;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #0f1216; --card: #181c22; --ink: #e8ebef; --faint: #9aa5b1; --grid: #2c333c;
        --front: #56b4e9; --dominated: #6e7883; --soft: #173043;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0; background: var(--page); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
    }
    main { max-width: 1180px; margin: 0 auto; padding: 32px 20px 56px; }
    h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 8px; overflow-wrap: anywhere; }
    h2 { font-size: 1.15rem; margin: 36px 0 12px; }
    .lead { margin: 0; max-width: 68ch; color: var(--faint); }
    .note { font-size: .85rem; color: var(--faint); max-width: 90ch; margin: 10px 0 0; }
    .warning { margin: 18px 0 0; padding: 10px 14px; border-left: 4px solid #d55e00; border-radius: 4px; background: var(--card); font-size: .9rem; }
    .tiles { display: grid; grid-template-columns: repeat(3, 1fr); gap: 14px; margin: 24px 0 14px; }
    .tile { background: var(--card); border: 1px solid var(--grid); border-radius: 12px; padding: 14px 16px; min-width: 0; }
    .tile span, .tile em { display: block; font-style: normal; color: var(--faint); font-size: .85rem; }
    .tile strong { display: block; font-size: 1.15rem; overflow-wrap: anywhere; }
    .tile em { color: var(--front); font-size: 1rem; font-variant-numeric: tabular-nums; }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 14px; }
    figure { margin: 0; background: var(--card); border: 1px solid var(--grid); border-radius: 12px; padding: 8px; }
    figure svg { display: block; width: 100%; max-width: 500px; height: auto; margin: 0 auto; }
    .scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--grid); border-radius: 12px; }
    table { border-collapse: collapse; width: 100%; font-size: .9rem; }
    th, td { padding: 10px 12px; text-align: right; vertical-align: top; white-space: nowrap; font-variant-numeric: tabular-nums; }
    thead th { color: var(--faint); font-weight: 500; font-size: .8rem; border-bottom: 1px solid var(--grid); }
    tbody tr + tr > * { border-top: 1px solid var(--grid); }
    th:first-child, td:last-child, thead th:last-child { text-align: left; white-space: normal; }
    tbody th { font-weight: 600; min-width: 11rem; overflow-wrap: anywhere; }
    td:last-child { min-width: 7.5rem; overflow-wrap: anywhere; }
    small { display: block; font-weight: 400; color: var(--faint); font-size: .78rem; }
    .bar { display: block; height: 4px; border-radius: 2px; background: var(--grid); margin-top: 4px; min-width: 4.5rem; overflow: hidden; }
    .bar i { display: block; height: 100%; border-radius: 2px; background: var(--front); }
    .dominated .bar i { background: var(--dominated); }
    .dominated th, .dominated td { color: var(--faint); }
    .badge {
      display: inline-block; padding: 1px 9px; border-radius: 999px; font-size: .78rem; font-weight: 600;
      background: var(--soft); color: var(--front); white-space: nowrap;
    }
    dl {
      display: grid; grid-template-columns: max-content 1fr; gap: 6px 20px; margin: 0; padding: 16px; font-size: .9rem;
      background: var(--card); border: 1px solid var(--grid); border-radius: 12px;
    }
    dt { color: var(--faint); }
    dd { margin: 0; overflow-wrap: anywhere; }
    @media (max-width: 760px) {
      main { padding: 20px 14px 40px; }
      h1 { font-size: 1.4rem; }
      .tiles { grid-template-columns: 1fr; gap: 10px; }
      .tile { display: grid; grid-template-columns: 1fr auto; column-gap: 14px; align-items: baseline; padding: 10px 16px; }
      .tile span { grid-column: 1 / -1; }
      .scroll { overflow: visible; background: none; border: 0; }
      table, tbody { display: block; }
      thead { display: none; }
      tbody tr {
        display: grid; grid-template-columns: 1fr 1fr; gap: 10px 16px; padding: 14px 16px; margin-bottom: 12px;
        background: var(--card); border: 1px solid var(--grid); border-radius: 12px;
      }
      tbody th, td, td:last-child { padding: 0; text-align: left; white-space: normal; border: 0; min-width: 0; }
      tbody tr + tr > * { border-top: 0; }
      tbody th, td:last-child { grid-column: 1 / -1; }
      tbody th { font-size: 1.05rem; }
      td::before { content: attr(data-label); display: block; color: var(--faint); font-size: .75rem; }
      dl { grid-template-columns: 1fr; gap: 0; }
      dt { font-size: .8rem; }
      dd { margin-bottom: 10px; }
    }
    """
}
