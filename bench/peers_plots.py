"""Plots of bench/peers: SVG, by matplotlib.  Imported by peers_report.py."""

import pathlib

# Colours of Okabe and Ito, which people with colour vision deficiencies tell apart; markers differ too.
LINES = [
    ("softsort", "soft_rank", "real", "softsort, real[] in SQL", "#0072B2", "o", "-"),
    ("softsort", "soft_rank", "float8", "softsort, float8[] in SQL", "#56B4E9", "s", "-"),
    ("torchsort", "soft_rank", "real", "torchsort, in memory", "#D55E00", "^", "-"),
    ("torchpsort", "soft_rank", "real", "torchpsort, in memory", "#E69F00", "v", "-"),
    ("torch.sort", "sort", "real", "torch.sort, in memory", "#CC79A7", "D", "--"),
    ("numpy.argsort", "sort", "real", "numpy.argsort, in memory", "#009E73", "P", "--"),
    ("floor", "copy", "real", "a copy of the array in SQL", "#888888", ".", ":"),
]


def draw(r, slug: str, folder: pathlib.Path) -> list[tuple[str, str]]:
    """Draw the plots of Results into a folder; return title and path of each, for a page beside it."""
    try:
        import matplotlib
    except ImportError as e:
        print(f"SKIP: plots: {e}")
        return []
    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {
            "svg.hashsalt": "softsort",
            "svg.fonttype": "none",
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    from matplotlib import pyplot

    made = []
    folder.mkdir(exist_ok=True)

    def save(figure, name: str, title: str) -> None:
        path = folder / f"{slug}-{name}.svg"
        figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
        pyplot.close(figure)
        made.append((title, str(path.relative_to(folder.parent))))

    for reg in ("l2", "kl"):
        figure, axes = pyplot.subplots(figsize=(7.5, 4.6))
        for tool, op, kind, words, colour, marker, style in LINES:
            points = [(int(s.split("x")[1]), r.get(s, f"{reg}/half", tool, op, kind)) for s in r.shapes]
            points = sorted((n, ns) for n, ns in points if ns)
            if points:
                axes.plot(
                    *zip(*points), label=words, color=colour, marker=marker, linestyle=style, markersize=5
                )
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="n, elements of a row",
            ylabel="ns per element",
            title=f"soft_rank, {reg}, half of the elements in blocks",
        )
        axes.yaxis.set_major_formatter("{x:g}")
        sizes = sorted((int(s.split("x")[1]), s.split("x")[0]) for s in r.shapes)
        axes.set_xticks(
            [n for n, _ in sizes], [f"{n}\n{rows} row{'' if rows == '1' else 's'}" for n, rows in sizes]
        )
        axes.minorticks_off()
        axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        save(figure, reg, f"soft_rank, {reg}: ns per element over the length of a row")

    tools = [
        ("softsort", "soft_rank"),
        ("softsort, INSERT", "soft_rank"),
        ("torchsort", "soft_rank"),
        ("client, COPY", "soft_rank"),
        ("plpython3u", "soft_rank"),
        ("plain SQL, hard ranks", "hard ranks"),
    ]
    points = [(t, r.get("100000x100", "place", t, op)) for t, op in tools]
    points = [(t, ns) for t, ns in points if ns][::-1]
    if points:
        words = {
            "torchsort": "torchsort, rows in memory",
            "client, COPY": "client: COPY, torchsort, COPY",
            "plpython3u": "torchsort in PL/Python",
        }
        figure, axes = pyplot.subplots(figsize=(7.5, 2.6))
        for y, (t, ns) in enumerate(points):
            axes.plot(
                ns, y, marker="o", markersize=8, color="#0072B2" if t.startswith("softsort") else "#D55E00"
            )
            axes.annotate(
                f"{ns:.0f}" if ns >= 100 else f"{ns:.3g}",
                (ns, y),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_yticks(range(len(points)), [words.get(t, t) for t, _ in points])
        axes.set(
            xscale="log", xlabel="ns per element", title="Ranks of the rows of a table, 100000 x 100, l2"
        )
        axes.set_xlim(points[-1][1] / 2, max(ns for _, ns in points) * 3)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.grid(True, axis="y", color="#dddddd", linewidth=0.6)
        save(figure, "place", "in and out of the server: ns per element")
    return made
