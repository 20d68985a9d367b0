//! How the picture looks, on light and on dark ground.

/// Colours are set by class rather than by variable, so that renderers without variables show them.
pub(super) const STYLE: &str = r#"<style>
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:#1f2328}
.title{font-size:17px;font-weight:600}
.caption{font-weight:600;fill:#59636e}
.name{font:600 12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.action{font:11.5px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.about,.rule{font-size:11.5px;fill:#59636e}
.rule{text-anchor:middle}
text.objects,text.keys{font-size:11.5px;font-weight:600}
.ground{fill:#ffffff}
.account{fill:#f6f8fa;stroke:#818b98;stroke-dasharray:6 5}
.region,.lane{fill:#ffffff;stroke:#d1d9e0}
.card{fill:#f6f8fa;stroke:none}
.bucket-card{fill:#eef6ff}
.key-card{fill:#fff8e5}
.divider{stroke:#d1d9e0}
.lifeline{stroke:#b7bfc8;stroke-width:1.5;stroke-dasharray:2 5;stroke-linecap:round}
.glyph{fill:none;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}
.arrow{stroke-width:2}
.objects{fill:#0860ca}
.objects-line,.bucket{stroke:#0860ca}
.keys{fill:#8a5c00}
.keys-line,.key{stroke:#9a6700}
.keys-line{stroke-dasharray:7 4}
.role{stroke:#8250df}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}
.caption,.about,.rule{fill:#9198a1}
.ground{fill:#0d1117}
.account{fill:#151b23;stroke:#656c76}
.region,.lane{fill:#0d1117;stroke:#3d444d}
.card{fill:#151b23}
.bucket-card{fill:#0c2037}
.key-card{fill:#2a2010}
.divider{stroke:#3d444d}
.lifeline{stroke:#565d66}
.objects{fill:#58a6ff}
.objects-line,.bucket{stroke:#4493f8}
.keys{fill:#e3b341}
.keys-line,.key{stroke:#d29922}
.role{stroke:#ab7df8}
}
</style>
"#;
