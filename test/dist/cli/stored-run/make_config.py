"""Writes hp_resolved.yaml as release 1.1 of the Python framework leaves it in the folder of a run: PyYAML's plain dump.

    python make_config.py

Ordered mappings, tuples and sets have Python's tags, and computed fields of the model are there as well. The run is the recorded
one of test/golden/training, whose model is AB-UPT and nothing else.
"""

import collections
import pathlib

import yaml

Ordered = collections.OrderedDict


def specs():
    return {"position_dim": 2, "surface_output_dims": Ordered(pressure=1), "volume_output_dims": Ordered(velocity=2), "use_physics_features": False}


def dataset(**options):
    return {"kind": "recorded.datasets.Recorded", "excluded_properties": {"normals"}, **options}


block = {"hidden_dim": 32, "num_heads": 4, "mlp_expansion_factor": 2, "use_rope": True}
rope = {"hidden_dim": 8, "input_dim": 2, "implementation": "complex"}
decoder = {"input_dim": 32, "output_dim": 1, "init_weights": "truncnormal002"}
config = {
    "name": "recorded",
    "accelerator": "cpu",
    "stage_name": "train",
    "dataset_kind": "recorded.datasets.Recorded",
    "resume_run_id": None,
    "resume_stage_name": None,
    "resume_checkpoint": None,
    "seed": 5,
    "dataset_statistics": Ordered(surface_pressure_mean=[-36.4098], surface_pressure_std=[48.6757]),
    "data_specs": specs(),
    "datasets": {"train": dataset(start=10, count=5), "val": dataset(start=10, count=1)},
    "tracker": None,
    "model": {
        "kind": "recorded.model.ABUPT",
        "name": "ab_upt",
        "forward_properties": ["geometry_position", "geometry_supernode_idx", "geometry_batch_idx", "surface_anchor_position", "volume_anchor_position"],
        "optimizer_config": {
            "kind": "torch.optim.AdamW",
            "lr": 0.001,
            "betas": (0.9, 0.999),
            "weight_decay": 0.05,
            "clip_grad_norm": 1.0,
            "schedule_config": {"kind": "noether.core.schedules.LinearWarmupCosineDecaySchedule", "warmup_percent": 0.2, "end_value": 1e-06, "max_value": 0.001},
        },
        "supernode_pooling_config": {"input_dim": 2, "radius": 0.6, "max_degree": 24, "hidden_dim": 32},
        "transformer_block_config": block,
        "geometry_depth": 1,
        "hidden_dim": 32,
        "physics_blocks": ["perceiver", "shared", "cross"],
        "num_surface_blocks": 1,
        "num_volume_blocks": 1,
        "data_specs": specs(),
        "rope_frequency_config": rope,
        "pos_embed_config": {"hidden_dim": 32, "input_dim": 2},
        "bias_mlp_config": {"input_dim": 32, "output_dim": 32, "hidden_dim": 32, "data_specs": specs()},
        "perceiver_block_config": {**block, "kv_dim": 32},
        "surface_decoder_config": decoder,
        "volume_decoder_config": {**decoder, "output_dim": 2},
    },
    "trainer": {
        "kind": "tutorial.trainers.AutomotiveAerodynamicsCFDTrainer",
        "precision": "float32",
        "max_epochs": 4,
        "effective_batch_size": 1,
        "track_every_n_updates": 1,
        "log_every_n_epochs": 1,
        "callbacks": [
            {"kind": "noether.core.callbacks.CheckpointCallback", "every_n_epochs": 2, "save_weights": True, "save_optim": True, "save_latest_optim": True},
            {"kind": "noether.training.callbacks.OfflineLossCallback", "every_n_epochs": 1, "batch_size": 1, "dataset_key": "val"},
        ],
        "forward_properties": ["geometry_position", "geometry_supernode_idx", "geometry_batch_idx", "surface_anchor_position", "volume_anchor_position"],
        "target_properties": ["surface_pressure_target", "volume_velocity_target"],
        "surface_weight": 1.0,
        "volume_weight": 1.0,
        "surface_pressure_weight": 1.0,
        "volume_velocity_weight": 1.0,
    },
    "store_code_in_output": False,
    "output_path": "/scratch/somebody/outputs",
    "config_schema_kind": "noether.core.schemas.schema.ConfigSchema",
}
(pathlib.Path(__file__).parent / "hp_resolved.yaml").write_text(yaml.dump(config, sort_keys=False, default_flow_style=False))
