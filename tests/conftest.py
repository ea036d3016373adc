"""`pytest --slow tests` runs the long forms as well: twenty kills instead of three, five thousand bad inputs instead of five hundred."""
import pytest


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the long forms of the tests as well")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: a long form, run with --slow")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow"): return
    for item in items:
        if "slow" in item.keywords: item.add_marker(pytest.mark.skip(reason="needs --slow"))
