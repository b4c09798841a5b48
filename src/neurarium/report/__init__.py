"""Report: pictures and pages for people."""

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "write_report": Member("page", summary="report.html and card.md of a run", chapter="08"),
    "render": Member("page", summary="the report of a run as HTML"),
    "write_check": Member("check_page", summary="a check of data as one page", chapter="08"),
    "render_check": Member("check_page", summary="a check of data as HTML"),
    "write_comparison": Member("comparison_page", summary="a comparison of runs as one page", chapter="08"),
    "render_comparison": Member("comparison_page", summary="a comparison of runs as HTML"),
    "plot_activations": Member("activation_plot", summary="activations with their derivatives", chapter="04"),
    "plot_skips": Member("skip_plot", summary="gradients by depth, with and without skips", chapter="14"),
    "plot_schedules": Member("schedule_plot", summary="learning-rate schedules", chapter="03"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
