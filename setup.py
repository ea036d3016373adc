"Packaging: everything is declared in settings.ini."
import shutil
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
parser = ConfigParser(delimiters=["="])
parser.read(HERE / "settings.ini", encoding="utf-8")
settings = parser["DEFAULT"]
readme = HERE / "README.md"
COMES_ALONG = ("models", "sounds")  # folders of data/ that `echo17.files.comes_along` finds within an installed package


class BuildWithData(build_py):
    "Modules, and beside them in the package the models and sounds; a checkout reads those from data/."
    def run(self):
        super().run()
        if self.editable_mode: return
        for name in COMES_ALONG:
            target = Path(self.build_lib) / settings["lib_name"] / "_data" / name
            shutil.rmtree(target, ignore_errors=True)  # of an earlier build
            shutil.copytree(HERE / "data" / name, target, ignore=shutil.ignore_patterns(".*"))


def without_links(text):
    "Pictures and notebooks stand in the repository; a page of a package index knows no relative places."
    return text.replace("](figures/", f"]({settings['git_url']}/raw/main/figures/").replace("](nbs/", f"]({settings['git_url']}/blob/main/nbs/")


extras = {key.removesuffix("_requirements"): value.split() for key, value in settings.items() if key.endswith("_requirements")}
setup(
    name=settings["lib_name"],
    version=settings["version"],
    description=settings["description"],
    long_description=without_links(readme.read_text(encoding="utf-8")) if readme.exists() else "",
    long_description_content_type="text/markdown",
    author=settings["author"],
    author_email=settings["author_email"],
    license="Apache-2.0",
    license_files=["LICENSE"],
    url=settings["git_url"],
    keywords=settings["keywords"],
    classifiers=["Development Status :: 3 - Alpha", "Intended Audience :: Science/Research", "Topic :: Multimedia :: Sound/Audio :: Speech",
                 *(f"Programming Language :: Python :: 3.{minor}" for minor in (10, 11, 12, 13))],
    packages=find_packages(include=["echo17", "echo17.*"]),
    package_data={settings["lib_name"]: ["py.typed"]},
    cmdclass=dict(build_py=BuildWithData),
    python_requires=f">={settings['min_python']}",
    install_requires=settings["requirements"].split(),
    extras_require=extras,
    entry_points={"console_scripts": [settings["console_scripts"]], "nbdev": [f"{settings['lib_name']}={settings['lib_name']}._modidx:d"]},
)
