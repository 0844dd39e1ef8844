"""The settings of a training run: names, defaults, limits and what each is for."""

from dataclasses import dataclass

from ..expressions import EXPRESSIONS
from .config_fields import PRECISIONS, of_network, setting


@dataclass
class TrainingValues:
    """The values of `TrainingConfig`, which checks them."""

    # Data
    train_data_dir: str | None = setting(None, "folder with pictures, metadata or Parquet shards")
    dataset_name: str | None = setting(None, "data set id on the Hub")
    split: str | None = setting(None, "part of the set to train on", otherwise="train, or the only one")
    revision: str | None = setting(None, "branch, tag or commit of the data set on the Hub")
    cache_dir: str | None = setting(None, "folder for data that is downloaded or converted", otherwise="Hugging Face's")
    expressions: str | None = setting(
        None, "names of the classes in the model's order, with commas between them", otherwise="the seven"
    )
    image_column: str | None = setting(None, "column of the pictures", otherwise="recognised")
    label_column: str | None = setting(None, "column of the labels", otherwise="recognised")
    subject_column: str | None = setting(None, "column of the people's names", otherwise="subject")
    pair_column: str | None = setting(None, "column that is equal for the pictures of a pair", otherwise="pair")
    max_train_samples: int | None = setting(None, "train on this many pictures only, whole pairs", minimum=2)
    adapter: str | None = setting(None, "file-name rules to read the folder by; recognised automatically when left out")
    streaming: bool = setting(False, "read pictures as they come instead of decoding them to disk first")
    max_damaged: int = setting(100, "damaged pictures of a stream to pass over before the run ends", minimum=0)
    held_out: float = setting(0.12, "share of the people kept for validation", minimum=0.0, maximum=0.9)
    neutral_source: float = setting(0.6, "share of pairs that start from the neutral picture", minimum=0.0, maximum=1.0)
    stylise: float = setting(1.0, "strength of the style augmentation, 0 turns it off", minimum=0.0, maximum=2.0)
    blank_eyes: bool = setting(True, "take the irises of most faces that the style makes stone or bronze")
    occluders: float = setting(
        0.15, "share of samples with spectacles or something else in front of the face", minimum=0.0, maximum=1.0
    )
    caricature: float = setting(0.0, "share of samples bent into faces of other proportions", minimum=0.0, maximum=1.0)
    geometry: float = setting(
        1.0, "strength of rotation, zoom and shift, 0 leaves flips only", minimum=0.0, maximum=2.0
    )
    targets: str = setting(
        "uniform",
        "how unpaired pictures get an expression: any other class alike, or the labels of the batch dealt anew",
        choices=("uniform", "permutation"),
    )
    class_dropout: float = setting(
        0.0,
        "share of samples that are asked for without their class, on a set with a column `before`",
        minimum=0.0,
        maximum=1.0,
    )
    controls: bool = setting(False, "train facial controls too, on a set drawn by `sargan rig --controls`")
    controls_alone: float = setting(
        0.4, "with controls, share of pairs requested by controls and no class", minimum=0.0, maximum=1.0
    )
    controls_added: float = setting(
        0.2, "with controls, share of pairs requested by a class and controls on top of it", minimum=0.0, maximum=1.0
    )
    dataloader_num_workers: int = setting(1, "processes that prepare batches", minimum=0)
    # Network
    generator: str = setting("sargan", "which generator (sargan, or your own)", registry="generator")
    base_channels: int | None = of_network("base_channels", "width of the generator's first convolution", minimum=4)
    num_blocks: int | None = of_network("num_blocks", "spatial-attention residual blocks", minimum=1)
    attention: bool | None = of_network("attention", "attention inside the blocks")
    ultimate_skip: bool | None = of_network("ultimate_skip", "add the input to what the network painted")
    motion: bool | None = of_network("motion", "move that skip by a predicted flow")
    occlusion: bool | None = of_network("occlusion", "paint apart what the flow finds nothing for, as inside a mouth")
    init_from: str | None = setting(None, "model folder or Hub id to start from")
    init_widen_factor: int = setting(1, "times the width of init_from; its channels are copied", minimum=1)
    init_drop_motion: bool = setting(False, "leave out the flow field of init_from, for a network without motion")
    zero_output: bool = setting(True, "let a new generator start as the identity, with zeros in its output convolution")
    resolution: int = setting(128, "side of the training crops, a multiple of 16", minimum=16)
    # Objective
    objective: str = setting("fast", "which losses (fast, paper, or your own)", registry="objective")
    critic_steps: int = setting(1, "discriminator steps for each generator step", minimum=1)
    discriminator_channels: int = setting(32, "width of the discriminator's first convolution", minimum=4)
    discriminator_layers: int = setting(4, "stride-2 convolutions of the discriminator", minimum=1)
    discriminator_from: str | None = setting(
        None, "folder of another run, or its checkpoint, whose discriminator to take"
    )
    adversarial_start: int = setting(0, "first step of the adversary", minimum=0)
    adversarial_weight: float = setting(1.0, "weight of the adversarial loss", minimum=0.0)
    adversarial_focus: float = setting(
        30.0, "how much more the fast adversary looks at places that the expression changes", minimum=0.0
    )
    expression_weight: float = setting(1.0, "weight of the expression loss", minimum=0.0)
    feature_weight: float = setting(0.0, "weight of the discriminator's feature distance, on paired data", minimum=0.0)
    cycle_weight: float = setting(1.0, "weight of the cycle loss on unpaired pictures", minimum=0.0)
    gradient_penalty: float = setting(10.0, "weight of the WGAN-GP or R1 penalty", minimum=0.0)
    paired_weight: float = setting(10.0, "weight of the loss to the true picture, on paired data", minimum=0.0)
    small_edits: float = setting(
        1.0, "how many times more a pair counts whose pictures differ little, such as a wink; 1 is as much", minimum=1.0
    )
    flow_weight: float = setting(30.0, "weight of the loss to the true motion, for motion models", minimum=0.0)
    flow_focus: float = setting(
        0.0, "how much more the true motion counts where it is long, as at a lid that shuts", minimum=0.0
    )
    occlusion_weight: float = setting(
        1.0, "weight of the loss to where the true motion has no origin, with occlusion", minimum=0.0
    )
    # Optimisation
    train_batch_size: int = setting(8, "pictures per process and forward pass", minimum=1)
    gradient_accumulation_steps: int = setting(1, "forward passes per update", minimum=1)
    max_train_steps: int = setting(20_000, "discriminator steps in all", minimum=1)
    num_train_epochs: int | None = setting(None, "passes over the set, in place of max_train_steps", minimum=1)
    learning_rate: float = setting(6e-4, "of the generator", above=0.0)
    discriminator_learning_rate: float = setting(2e-4, "of the discriminator", above=0.0)
    adam_beta1: float = setting(0.5, "Adam's first moment", minimum=0.0, maximum=0.9999)
    adam_beta2: float = setting(0.99, "Adam's second moment", minimum=0.0, maximum=0.99999)
    adam_epsilon: float = setting(1e-8, "Adam's epsilon", above=0.0)
    max_grad_norm: float | None = setting(None, "longest gradient of a network, longer ones are shortened", above=0.0)
    lr_scheduler: str = setting(
        "linear",
        "how the rate falls at the end: to zero on a line or a half cosine, or not at all",
        choices=("linear", "cosine", "constant"),
    )
    warmup_steps: int = setting(200, "steps of linear warm-up", minimum=0)
    decay_fraction: float = setting(0.4, "last share of the run with a falling rate", minimum=0.0, maximum=1.0)
    ema_decay: float = setting(0.998, "of the averaged generator, 0 turns it off", minimum=0.0, maximum=0.99999)
    mixed_precision: str | None = setting(
        None, "precision of the generator", choices=PRECISIONS, otherwise="Accelerate's"
    )
    allow_tf32: bool = setting(False, "TF32 for matrix products on NVIDIA GPUs; convolutions use it anyway")
    cudnn_benchmark: bool = setting(True, "let cuDNN try its algorithms and keep the fastest, on NVIDIA GPUs")
    seed: int = setting(0, "of weights, order and augmentation", minimum=0)
    # Run
    output_dir: str = setting("runs/sargan", "where checkpoints, samples and the model go")
    checkpointing_steps: int = setting(500, "steps between checkpoints", minimum=1)
    checkpoints_total_limit: int = setting(2, "checkpoints to keep", minimum=1)
    resume_from_checkpoint: str | None = setting(None, '"latest" or a checkpoint folder')
    validation_steps: int = setting(500, "steps between sample grids and held-out errors", minimum=1)
    logging_steps: int = setting(10, "steps between log lines", minimum=1)
    report_to: str = setting("tensorboard", "tracker", choices=("tensorboard", "wandb", "trackio", "all", "none"))
    logging_dir: str | None = setting(None, "folder of the tracker's files", otherwise="output_dir")
    tracker_project_name: str = setting("sargan", "name of the project in the tracker")
    ddp_timeout: int = setting(
        21_600, "seconds that processes wait for each other, also while one prepares", minimum=60
    )
    push_to_hub: bool = setting(False, "upload the model when the run ends or is interrupted")
    hub_model_id: str | None = setting(None, "repository to upload to")
    hub_private: bool = setting(False, "make that repository private")

    @property
    def class_names(self) -> tuple[str, ...]:
        """The expressions to train, in the order of the model."""
        if self.expressions is None:
            return EXPRESSIONS
        return tuple(name.strip() for name in self.expressions.split(","))
