"""One YAML file -> typed settings, with the origin of every value.

Precedence: default < YAML < profile < `HEADWATER_*` environment < override. Data paths in a mapping are relative to the
current folder; the mapping is found beside the configuration.
"""

import copy
import hashlib
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, PrivateAttr, field_validator

from features.errors import HeadwaterError, Problem
from features.settings import SETTLE_DAYS, FeatureSettings
from features.spine import Population
from features.strict import Strict
from models.settings import GateSettings, MonitorSettings, TrainingSettings
from models.splits import Protocol
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings
from models.targets.target import RuleSettings
from pipelines.config import due, own_features, playbooks, predicted
from pipelines.config.documents import Document, read
from pipelines.config.mapping import Mapping as TableMapping
from pipelines.config.mapping import Zone
from pipelines.config.mapping_file import load_mapping
from pipelines.config.notices import Notify
from pipelines.config.quality import Quality
from pipelines.config.retention import Retention
from pipelines.config.validation import filled, known_keys, nearest, old_keys, renamed_keys
from pipelines.wording.texts import Language
from targeting.action_settings import ActionSettings
from targeting.bands import BandSettings
from targeting.groups import GroupSettings
from targeting.holdout import HoldoutSettings
from targeting.list_settings import ListSettings
from targeting.profit_settings import ProfitSettings
from targeting.suppression import ContactSettings
from targeting.tiers import TierSettings

PREFIX = "HEADWATER_"
RESERVED = {"HEADWATER_CONFIG", "HEADWATER_PROFILE", "HEADWATER_LANG"}
SECRETS_OF_RECEIVERS = re.compile(r"^HEADWATER_NOTIFY_[A-Z0-9]")
"""Variables that `notify.receivers` refer to; `HEADWATER_NOTIFY__BY` is a setting."""
SECRET = ("token", "secret", "password", "key", "webhook")


class Demo(Strict):
    """Where `headwater demo` gets its raw data; they go to data/<name>/."""

    source: Literal["operator", "cdnow", "complete-journey"] = Field(
        "operator", description="simulated by us, or real purchases from a package"
    )
    customers: int = Field(20_000, gt=0, description="of the simulated operator")
    seed: int = Field(7, description="of the simulated operator: the same gives the same files")


class Schedule(Strict):
    """When the deployed nightly, retraining and monitor run."""

    cron: str = Field("0 2 * * *", description="of the nightly: minute, hour, day, month, weekday")
    retrain: str | None = Field("0 5 2 * *", description="the same of the retraining; null: on demand alone")
    monitor: str | None = Field(
        "0 7 * * *", description="the same of the monitor, after the night; null: on demand alone"
    )
    timezone: Zone = Field("Asia/Shanghai", description="of all of them, as the IANA names it")
    timeout_hours: float = Field(
        8.0, gt=0, description="a stage that Prefect runs is stopped after it; publish never is"
    )
    retry_minutes: float = Field(
        5.0,
        ge=0,
        description="until Prefect tries a stage again, where waiting may help and doing it twice does no harm",
    )

    @field_validator("cron", "retrain", "monitor")
    @classmethod
    def _readable(cls, expression: str | None) -> str | None:
        if expression is not None:
            due.check(expression)
        return expression


class SparkSettings(Strict):
    """The engine for those who outgrow one machine; `options` are Spark's own, and win."""

    master: str = Field("local[2]", description="local[2], spark://host:7077, yarn or k8s://…")
    memory: str = Field("2g", pattern=r"^\d+[mg]$", description="heap of the driver, and of each executor")
    partitions: int = Field(8, gt=0, description="of every shuffle: two to three times the cores of the cluster")
    options: dict[str, str] = Field({}, description="such as spark.executor.instances; they win over the above")


class Settings(Strict):
    """Everything that a run of one project depends on."""

    name: str = Field(
        "operator", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="of the project's folder in the workspace"
    )
    mapping: Path = Field(Path("mappings/operator.yaml"), description="relative to this file")
    workspace: Path = Field(Path("workspace"), description="relative to the current folder")
    language: Language = Field("zh", description="of lists, reports and messages; --lang goes first")
    as_of: date | None = Field(None, description="default of --as-of; without it: today")
    threads: int = Field(2, gt=0, description="of the engine and of training")
    chunk: int = Field(100_000, gt=0, description="customers handled at a time: memory grows with it, results do not")
    engine: Literal["duckdb", "spark"] = Field("duckdb", description="which of the two makes features and scores")
    spark: SparkSettings = SparkSettings()
    seed: int = Field(7, description="of every draw that is random")
    demo: Demo | None = Field(None, description="where `headwater demo` gets raw data; null: it has none")
    features: FeatureSettings = FeatureSettings()
    population: Population = Population()
    targets: TargetSettings = TargetSettings()
    protocol: Protocol = Protocol()
    training: TrainingSettings = TrainingSettings()
    gates: GateSettings = GateSettings()
    monitor: MonitorSettings = MonitorSettings()
    scores: BandSettings = BandSettings()
    holdout: HoldoutSettings = HoldoutSettings()
    tiers: TierSettings = TierSettings()
    actions: ActionSettings = ActionSettings()
    groups: GroupSettings = GroupSettings()
    lists: ListSettings = ListSettings()
    profit: ProfitSettings = ProfitSettings()
    contact: ContactSettings = ContactSettings()
    quality: Quality = Quality()
    schedule: Schedule = Schedule()
    notify: Notify = Notify()
    retention: Retention = Retention()
    delta: bool = Field(False, description="keep the published scores as a Delta table, too; needs headwater[delta]")

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)
    _warnings: list[Problem] = PrivateAttr(default_factory=list)
    _tables: TableMapping | None = PrivateAttr(None)
    _own: ModuleType | None = PrivateAttr(None)

    def fingerprint(self) -> str:
        """Changes with every value that can change a result; where results are kept, when, and who is told cannot."""
        told = {"schedule", "notify", "monitor", "demo", "retention", "profit", "delta"}
        machine = {"workspace", "mapping", "threads", "chunk", "as_of", "engine", "spark", *told}
        decisive = self.model_dump_json(exclude=machine)
        return hashlib.sha256((decisive + self.tables.model_dump_json()).encode()).hexdigest()[:16]

    def with_tables(self, tables: TableMapping) -> "Settings":
        """The same settings with another mapping: one in which nothing is left open."""
        same = self.model_copy(update=self._rules_by(tables))
        same._tables = tables
        return same

    def _rules_by(self, tables: TableMapping) -> dict[str, Any]:
        """The rule of today that nobody wrote follows from the numbers that are known of customers by now."""
        if not self._origins.get("training.candidates.rules.churn.column", "").startswith("default ("):
            return {}
        rule = RuleSettings.model_validate(predicted.rule_of_today(tables))
        candidates = self.training.candidates
        rules = candidates.rules.model_copy(update={"churn": rule})
        changed = candidates.model_copy(update={"rules": rules})
        return {"training": self.training.model_copy(update={"candidates": changed})}

    @property
    def learning(self) -> TrainingSettings:
        """How models are made in this project: with its threads and seed, and today's rule for value at its margin."""
        made = self.training.model_copy(update={"threads": self.threads, "seed": self.seed})
        return made.at_margin(self.targets.value.margin)

    @property
    def tables(self) -> TableMapping:
        """The mapping, read with the settings."""
        if self._tables is None:
            raise HeadwaterError("E201", file=self.mapping)
        return self._tables

    @property
    def left_out(self) -> dict[str, Problem]:
        """Target -> why it is not predicted: a setting says so, or the mapping does not have the table that it asks for."""
        return predicted.left_out(self.targets, self.tables)

    @property
    def predicted(self) -> tuple[str, ...]:
        """The targets of the project, in the order of the registry."""
        return tuple(target for target in TARGETS if target not in self.left_out)

    @property
    def warnings(self) -> list[Problem]:
        """What was read and is to be written otherwise."""
        return self._warnings

    @property
    def own(self) -> ModuleType | None:
        """The module of the project's own features, loaded with the settings."""
        return self._own


@dataclass(frozen=True)
class Layer:
    """Some values and where they come from; `origin` is completed by the line of each key."""

    origin: str
    values: dict[str, Any]
    document: Document


def load(
    path: Path, profile: str | None = None, overrides: Mapping[str, Any] | None = None, environment=None
) -> Settings:
    """Read a configuration and its mapping.

    `overrides` and environment names spell nested keys with dots or double underscores: `targets.churn.horizon_days`.
    Raises E201-E221 (exit 2).

    Parameters
    ----------
    path
        The YAML file.
    profile
        Name of a part of `profiles` that is laid over the rest; None for none.
    overrides
        Values of the command line by key; they go first. Null is not given.
    environment
        Variables instead of the process's own.
    """
    return _composed(Path(path), _layers(Path(path), profile, overrides, environment))


TELLING = ("name", "workspace", "language", "schedule", "notify")
"""The settings that say who is told."""


def load_notify(path: Path, profile: str | None = None) -> Settings | None:
    """As much of a configuration as telling somebody needs, where the rest of it or its mapping is wrong.

    None where not even that can be read. The environment counts for nothing here: it may be what is wrong.

    Parameters
    ----------
    path
        The YAML file.
    profile
        Name of a part of `profiles`; None for none.
    """
    whole: dict[str, Any] = {}
    try:
        layers = _file_layers(path, profile)
        for layer in layers:
            _merge(whole, {key: value for key, value in layer.values.items() if key in TELLING})
        return filled(Settings, whole, Layers(layers))
    except (HeadwaterError, OSError):
        return None


def workspace_folder(path: Path, profile: str | None = None, overrides: Mapping[str, Any] | None = None) -> Path | None:
    """Where a configuration keeps its results, though the rest of it be wrong; None where it does not say so.

    Parameters
    ----------
    path
        The YAML file.
    profile, overrides
        As for `load`.
    """
    whole: dict[str, Any] = {}
    try:
        for layer in _layers(path, profile, overrides, None):
            _merge(whole, layer.values)
    except (HeadwaterError, OSError):
        return None
    name, folder = (whole.get(key, Settings.model_fields[key].default) for key in ("name", "workspace"))
    plain = isinstance(name, str) and Path(name).name == name
    return Path(folder) / name if plain and isinstance(folder, str | Path) else None


def _layers(
    path: Path, profile: str | None, overrides: Mapping[str, Any] | None, environment: Mapping[str, str] | None
) -> list[Layer]:
    """The file, its profile, the environment and the command line, the stronger ones last."""
    layers = _file_layers(path, profile) + _environment_layers(os.environ if environment is None else environment)
    return layers + [_spelled("--", key, value) for key, value in (overrides or {}).items() if value is not None]


def _file_layers(path: Path, profile: str | None) -> list[Layer]:
    """What a file says, and a profile of it."""
    document = read(path)
    profiles = document.content.pop("profiles", None) or {}
    layers = [Layer(str(path), document.content, document)]
    return [*layers, _profile_layer(path, profiles, profile, document)] if profile is not None else layers


@dataclass(frozen=True)
class Layers:
    """Says of a key which layer set it last, and at which line."""

    layers: list[Layer]

    def place(self, keys: tuple) -> tuple[str, int | None]:
        """File and line of what set a key last; the line is None where it was no file."""
        for length in range(len(keys), 0, -1):  # of a key that is missing: who gave the section that lacks it
            for layer in reversed(self.layers):
                if _has(layer.values, keys[:length]):
                    return str(layer.document.path), layer.document.line(keys)
        return str(self.layers[0].document.path), self.layers[0].document.line(keys)


def _has(values: Any, keys: tuple) -> bool:
    for key in keys:
        inside = range(len(values)) if isinstance(values, list) else values if isinstance(values, dict) else ()
        if key not in inside:
            return False
        values = values[key]
    return True


def _composed(path: Path, layers: list[Layer]) -> Settings:
    """The layers laid over each other, the origin of every leaf remembered."""
    whole: dict[str, Any] = {}
    origins: dict[str, str] = {}
    warnings = [problem for layer in layers for problem in _old_keys(layer)]
    layers = [part for layer in layers for part in playbooks.read_in(_with_keys_of_today(layer), path.parent)]
    for layer in layers:
        _merge(whole, layer.values)
        for keys, _ in _leaves(layer.values):
            line = layer.document.line(keys)
            origins[".".join(keys)] = f"{layer.origin}:{line}" if line else layer.origin
    settings = filled(Settings, whole, Layers(layers))
    tables = load_mapping(path.parent / settings.mapping)
    if inferred := predicted.defaults(tables):
        _merge(inferred, whole)
        settings = filled(Settings, inferred, Layers(layers))
        origins = _origins_of_defaults(tables) | origins
    settings = _settled(settings, tables)
    settings._origins.update(origins)
    settings._warnings.extend(warnings)
    settings._tables = tables
    _check_tables(settings, Layers(layers))
    _check_parts(settings, Layers(layers))
    _check_counted(settings, Layers(layers))
    _check_reasons(settings, Layers(layers))
    playbooks.check_words(settings.actions.playbook, settings.tiers.tiers, Layers(layers))
    if settings.features.own:
        settings._own = own_features.load(settings.features.own, path.parent)
    _check_rules(settings, Layers(layers))
    return settings


def _settled(settings: Settings, tables: TableMapping) -> Settings:
    """The same with how long a usual bill is waited for where nothing says so: not at all where silence is a signal, and
    until a month closes where the mapping says when."""
    if settings.features.settle_days is not None:
        return settings
    silence = settings.targets.churn.rule == "no_bill" or settings.population.rule == "billed"
    closes = tables.tables["bills"].closes if "bills" in tables.tables else None
    days = 0 if silence else SETTLE_DAYS if closes is None else math.ceil(closes / timedelta(days=1))
    features = settings.features.model_copy(update={"settle_days": days})
    return settings.model_copy(update={"features": features})


def _origins_of_defaults(tables: TableMapping) -> dict[str, str]:
    """Key -> the mapping, for the values that follow from its tables."""
    return {".".join(keys): f"default ({tables.origin})" for keys, _ in _leaves(predicted.defaults(tables))}


def _check_tables(settings: Settings, layers: "Layers") -> None:
    """Raises E248 for each setting that somebody wrote and that asks for a table which the mapping does not have."""
    written = [key for key, origin in settings._origins.items() if not origin.startswith("default")]
    problems = []
    asking = predicted.asking(settings.targets, settings.population, settings.protocol, settings.tables)
    of_features = (
        *predicted.asked_by_windows(settings.features.windows, settings.tables),
        *predicted.asked_by_counted(settings.features.counted, settings.tables),
    )
    for key, table in (*asking, *of_features):
        if any(name == key or name.startswith(f"{key}.") for name in written):
            file, line = layers.place(tuple(key.split(".")))
            values = {"key": key, "table": table, "mapping": settings.tables.origin, "target": key.split(".")[1]}
            problems.append(Problem("E248", file, line, key, values=values | {"advice": f"@asks.{key.split('.')[0]}"}))
    if problems:
        raise HeadwaterError.of(problems)


def _old_keys(layer: Layer) -> list[Problem]:
    """A warning for every key of before."""
    return [
        Problem("W203", str(layer.document.path), layer.document.line(path), values={"old": ".".join(path), "new": new})
        for path, new in old_keys(Settings, layer.values)
    ]


def _with_keys_of_today(layer: Layer) -> Layer:
    """The layer with every key of before renamed, but where both stand: that is refused as any contradiction is."""
    values, lines = copy.deepcopy(layer.values), dict(layer.document.lines)
    for path, new in old_keys(Settings, layer.values):
        section = values
        for key in path[:-1]:
            section = section[key]
        if new not in section:
            section[new] = section.pop(path[-1])
            lines |= {(*path[:-1], new): lines[path]} if path in lines else {}
    return Layer(layer.origin, values, Document(layer.document.path, layer.document.content, lines))


def _check_parts(settings: Settings, layers: "Layers") -> None:
    """Raises E204 for a part, or what contains it, that is no measure of the mapping."""
    measures = settings.tables.measures
    for name, whole in settings.features.parts.items():
        for measure in (name, whole):
            if measure not in measures:
                file, line = layers.place(("features", "parts", name))
                known = f"one of {', '.join(measures)}"
                where = {"file": file, "row": line, "column": "features.parts"}
                raise HeadwaterError("E204", **where, key="features.parts", found=measure, expected=known)


def _check_counted(settings: Settings, layers: "Layers") -> None:
    """Raises E282 for a column that the table of the mapping does not have, or whose values are no words, and E283 for a
    value that its closed map never gives."""
    problems = []
    for table, columns in settings.features.counted.items():
        countable = settings.tables.countable(table)
        for column, values in columns.items():
            keys = ("features", "counted", table, column)
            file, line = layers.place(keys)
            named = {"table": table, "name": column, "mapping": settings.tables.origin}
            if column not in countable:
                near = nearest(column, list(countable)) or "—"
                said = named | {"nearest": near, "known": ", ".join(countable) or "—"}
                problems.append(Problem("E282", file, line, ".".join(keys), values=said))
                continue
            known = countable[column]
            unheard = {value for value in values.values() if known is not None and value not in known}
            if unheard:
                told = named | {"found": ", ".join(sorted(unheard)), "known": ", ".join(sorted(known or ())) or "—"}
                problems.append(Problem("E283", file, line, ".".join(keys), values=told))
    if problems:
        raise HeadwaterError.of(problems)


def _check_reasons(settings: Settings, layers: "Layers") -> None:
    """Raises E246 for reasons of leaving that nothing can have: the column, or a value of its closed map, is not mapped."""
    reasons = settings.targets.churn.reasons or ()
    parts = settings.tables.tables["customers"].parts
    forms = [part.columns["left_reason"] for part in parts if "left_reason" in part.columns]
    closed = [{*form.map.values(), *filter(None, [form.other])} - {"error"} for form in forms if form.map is not None]
    known = set().union(*closed) if forms and len(closed) == len(forms) else None
    for reason in reasons:
        if not forms or (known is not None and reason not in known):
            file, line = layers.place(("targets", "churn", "reasons"))
            where = {"file": file, "row": line, "column": "targets.churn.reasons"}
            values = ", ".join(sorted(known or ())) or "—"
            raise HeadwaterError("E246", **where, found=reason, known=values, mapping=settings.tables.origin)


def _check_rules(settings: Settings, layers: "Layers") -> None:
    """Raises E228 for a rule of today that ranks by no feature of this project, the other rules with it; E274 for a
    declared name that is one of ours."""
    rules = settings.training.candidates.rules
    columns, problems = _columns(settings), []
    for target, rule in rules:
        if rule.column not in columns:
            keys = ("training", "candidates", "rules", target, "column")
            file, line = layers.place(keys)
            values = {"key": ".".join(keys), "found": rule.column, "nearest": nearest(rule.column, columns)}
            problems.append(Problem("E228", file, line, ".".join(keys), values=values))
    if problems:
        raise HeadwaterError.of(problems)


def _columns(settings: Settings) -> list[str]:
    """The columns of the project's features. Raises E274 with the mapping in which the name stands, and what `joined` raises."""
    tables = settings.tables
    try:
        features = own_features.joined(
            settings.own, tables.measures, tables.attributes, settings.features, tables.words, *tables.declared
        )
    except HeadwaterError as error:
        if error.problem.code != "E274":
            raise
        raise HeadwaterError.of([replace(p, file=tables.origin) for p in error.problems]) from error
    return [feature.column for feature in features]


def _profile_layer(path: Path, profiles: dict, name: str, document: Document) -> Layer:
    if name not in profiles:
        near = nearest(name, list(profiles)) or "—"
        raise HeadwaterError("E216", file=path, name=name, nearest=near, known=", ".join(profiles) or "—")
    skip = ("profiles", name)
    lines = {keys[2:]: line for keys, line in document.lines.items() if keys[:2] == skip}
    return Layer(f"{path} > profiles.{name}", profiles[name] or {}, Document(path, {}, lines))


def _environment_layers(environment: Mapping[str, str]) -> list[Layer]:
    """`HEADWATER_TARGETS__CHURN__HORIZON_DAYS=60`. Raises E221 for a name that is no setting."""
    own = {key: value for key, value in sorted(environment.items()) if _is_setting(key)}
    layers = []
    for key, value in own.items():
        keys = key.removeprefix(PREFIX).lower().split("__")
        allowed = known_keys(Settings, tuple(keys[:-1]))
        if keys[-1] not in allowed and keys[-1] not in renamed_keys(Settings, tuple(keys[:-1])):
            near = nearest(keys[-1], allowed)
            best = PREFIX + "__".join([*keys[:-1], near]).upper() if near else "—"
            raise HeadwaterError("E221", file=key, key=key, nearest=best)
        layers.append(_spelled(key, ".".join(keys), yaml.safe_load(value) if value else None))
    return layers


def _is_setting(name: str) -> bool:
    """Is a variable of the environment one of our settings?"""
    return name.startswith(PREFIX) and name not in RESERVED and not SECRETS_OF_RECEIVERS.match(name)


def _spelled(origin: str, key: str, value: Any) -> Layer:
    """One value at a dotted key as a layer."""
    keys = key.replace("__", ".").split(".")
    nested: Any = value
    for part in reversed(keys):
        nested = {part: nested}
    name = origin if origin != "--" else "--" + keys[-1].replace("_", "-")
    return Layer(name, nested, Document(Path(name), {}, {}))


def _merge(whole: dict[str, Any], over: dict[str, Any]) -> None:
    """Lay `over` on `whole`; sections are merged, everything else is replaced."""
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(whole.get(key), dict):
            _merge(whole[key], value)
        else:
            whole[key] = dict(value) if isinstance(value, dict) else value


def _leaves(values: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, str(key)))
        else:
            yield (*above, str(key)), value


def origins(settings: Settings) -> list[tuple[str, str, str]]:
    """(key, value, where it comes from) of every setting, secrets masked; for `config show --origin`."""
    shown = []
    for keys, value in _leaves(settings.model_dump(mode="json", by_alias=True)):
        name = ".".join(keys)
        secret = any(word in keys[-1].lower() for word in SECRET) and value
        shown.append((name, "******" if secret else str(value), _origin_of(settings, keys)))
    return shown


def _origin_of(settings: Settings, keys: tuple[str, ...]) -> str:
    """The origin of a value, or of the nearest section that was given whole."""
    for length in range(len(keys), 0, -1):
        if origin := settings._origins.get(".".join(keys[:length])):
            return origin
    return "default"


def schema(kind: Literal["settings", "mapping"] = "settings") -> dict[str, Any]:
    """JSON Schema of the configuration or of the mapping file."""
    model: type[BaseModel] = Settings if kind == "settings" else TableMapping
    return model.model_json_schema(by_alias=True)
