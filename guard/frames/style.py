"""How the page of `guard frame history` looks: on a screen by day and by night, on a telephone, and on paper."""

_LIGHT = """--page:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5a6678;--line:#e1e5eb;--ground:#f1f3f6;--ok:#3b7dbd;
--late:#8cc3e8;--fallback:#e6a11b;--rejected:#a01d4e;--missing:#8a94a3;--count:#66707f;--between:#a3adba;--warn:#fff4d6"""

_DARK = """--page:#11151b;--card:#191f28;--ink:#e6eaf0;--soft:#9aa7b8;--line:#2c3542;--ground:#202833;--ok:#4f97d8;
--late:#b5daf2;--fallback:#f0b744;--rejected:#ff6f91;--missing:#7b8798;--count:#8592a3;--between:#566273;--warn:#3a3218"""

STYLE = f"""
:root{{color-scheme:light dark;{_LIGHT};--gutter:7.5rem}}
@media(prefers-color-scheme:dark){{:root{{{_DARK}}}}}
@media(max-width:700px){{:root{{--gutter:4.6rem}}.wide{{display:none}}}}
*{{box-sizing:border-box}}
body{{margin:0 auto;max-width:76rem;padding:2rem 1.5rem 4rem;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
font-variant-numeric:tabular-nums}}
h1{{font-size:1.75rem;line-height:1.2;margin:0;letter-spacing:-.015em}}
h2{{font-size:1.05rem;margin:0}} h3{{font-size:.85rem;margin:1rem 0 .3rem}} h3 span{{color:var(--soft);font-weight:400}}
header p,section>p{{margin:.2rem 0 1rem;color:var(--soft);max-width:52rem;font-size:.87rem}}
code{{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}}
section{{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.1rem 1.25rem 1.25rem;
margin:1rem 0;break-inside:avoid}}
section.streams{{break-inside:auto}}
.warning{{background:var(--warn);border-radius:8px;padding:.6rem 1rem;white-space:pre-line}}
ul{{list-style:none;margin:0;padding:0}}
.tiles{{display:grid;grid-template-columns:repeat(auto-fit,minmax(6.4rem,1fr));gap:1px;background:var(--card);
border:1px solid var(--line);border-radius:10px;overflow:hidden;margin-top:1.2rem}}
.tiles li{{background:var(--card);padding:.7rem .9rem;color:var(--soft);font-size:.8rem;
border-top:3px solid transparent;box-shadow:0 0 0 1px var(--line)}}
.tiles b{{display:block;font-size:1.3rem;line-height:1.3;color:var(--ink);font-weight:600}}
.tiles .late{{border-top-color:var(--late)}} .tiles .fallback{{border-top-color:var(--fallback)}}
.tiles .rejected{{border-top-color:var(--rejected)}} .tiles .missing{{border-top-color:var(--missing)}}
.tiles .none b{{color:var(--soft);font-weight:400}}
.legend{{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;margin:1rem 0 0;font-size:.82rem;color:var(--soft)}}
.key{{width:12px;height:12px;margin-right:.45rem;vertical-align:-1px;overflow:visible}}
.plot{{display:grid;grid-template-columns:var(--gutter) minmax(0,1fr)}}
.left{{position:relative;font-size:.72rem;color:var(--soft)}}
.left i{{position:absolute;right:.6rem;font-style:normal;transform:translateY(50%);white-space:nowrap}}
.names .left i{{left:0;right:.6rem;transform:none;overflow:hidden;text-overflow:ellipsis;display:flow-root;
line-height:1;display:grid;align-items:center}}
.right svg{{display:block;width:100%;height:100%;overflow:visible}}
.below{{position:relative;font-size:.72rem;color:var(--soft);line-height:1.25}}
.below span{{position:absolute;top:.4rem;transform:translateX(-50%);text-align:center;white-space:nowrap}}
.below .first{{transform:none;text-align:left}} .below .last{{transform:translateX(-100%);text-align:right}}
.below b{{color:var(--ink);font-weight:500}}
.below:not(:empty){{height:2.3rem}}
.grid{{stroke:var(--line);vector-effect:non-scaling-stroke;fill:none}}
.ok{{fill:var(--ok)}} .late{{fill:var(--late)}} .fallback{{fill:var(--fallback)}} .rejected{{fill:var(--rejected)}}
.missing{{fill:var(--card);stroke:var(--missing);vector-effect:non-scaling-stroke}}
.thin .late{{stroke:var(--late)}} .thin .fallback{{stroke:var(--fallback)}} .thin .rejected{{stroke:var(--rejected)}}
.thin rect{{stroke-width:1px;vector-effect:non-scaling-stroke}}
.count{{fill:var(--count)}} .over{{fill:var(--count);opacity:.45}} .ground{{fill:var(--ground)}}
.hit{{fill:transparent}} .hit:hover{{fill:var(--soft);fill-opacity:.14}}
path.ok,path.late,path.fallback,path.rejected,path.count,path.over{{pointer-events:none}}
rect:not(.hit):not(.ground):hover{{stroke:var(--ink);stroke-width:1.5;vector-effect:non-scaling-stroke}}
.run{{stroke:var(--count);stroke-width:9;stroke-linecap:round;vector-effect:non-scaling-stroke;fill:none}}
.run.odd{{stroke:var(--between)}} .run.many{{stroke-linecap:butt}} .run:hover{{stroke:var(--ink)}}
.several{{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:1rem 2rem;--gutter:3rem}}
figure{{margin:0}} figcaption{{font-size:.82rem;font-weight:600;margin-bottom:.8rem}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;font-size:.82rem;width:100%}}
th,td{{text-align:right;padding:.28rem .55rem;border-bottom:1px solid var(--line);white-space:nowrap}}
th{{color:var(--soft);font-weight:500}}
.words{{min-width:34rem}} .words th,.words td{{text-align:left;white-space:normal;overflow-wrap:anywhere}}
.words th,.words td:nth-child(-n+2){{white-space:nowrap}}
summary{{font-size:1.05rem;font-weight:700;cursor:pointer}} details[open] summary{{margin-bottom:.6rem}}
dl{{margin:0;font-size:.87rem;max-width:52rem}} dt{{font-weight:600}} dd{{margin:0 0 .6rem;color:var(--soft)}}
@media(max-width:700px){{
.tiles li{{padding:.5rem .6rem}}.tiles b{{font-size:1.1rem}}
body{{padding:1.2rem .7rem 3rem}}section{{padding:.9rem .8rem 1rem}}}}
@media print{{:root{{{_LIGHT};color-scheme:light}}body{{max-width:none;padding:0;font-size:10pt;background:#fff}}
section{{border-color:#ccc}}*{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}}}
"""
