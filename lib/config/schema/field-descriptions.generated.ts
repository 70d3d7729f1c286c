/** Comments of the fields of config classes, of each class with a name. Written by `npm run generate`. */
export const FIELD_DESCRIPTIONS: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> = {
  ABUPTConfig: [
    {
      position_projection: "How positions become tokens.",
      use_output_projection: "Layer norm and a linear layer to the output channels at the end.",
      use_bias_layers: "An MLP for surface tokens and one for volume tokens after the embedding.",
      data_specs: "Fields that are predicted, and positions and features that are given.",
    },
  ],
  AeroCFDPipelineConfig: [
    {
      kind: "Class of the pipeline.",
      num_surface_points: "Random points of the surface and of the volume; not used with anchors.",
      num_volume_points: "The same of the volume.",
      num_surface_queries: "Points at which the fields are predicted, where these are not the input points (UPT).",
      num_volume_queries: "The same in the volume.",
      use_physics_features: "Distances and normals as inputs.",
      dataset_statistics: "Needed for the distances among the features.",
      sample_query_points: "Draw the queries from all points; false: the input points are the queries.",
      num_supernodes: "Surface points that UPT pools into.",
      num_geometry_supernodes: "Geometry of AB-UPT: random surface points, and those among them that it pools into.",
      num_geometry_points: "Random surface points that describe the geometry (AB-UPT).",
      num_volume_anchor_points: "Anchor points of AB-UPT.",
      num_surface_anchor_points: "Anchor points on the surface (AB-UPT).",
      seed: "The same points of a sample each time; null: others in every epoch.",
      data_specs: "What the model predicts: fields of the domains surface and volume.",
    },
  ],
  AeroStatsSchema: [
    {
      surface_domain_min: "Smallest coordinates of the surface.",
      surface_domain_max: "Largest coordinates of the surface.",
      surface_pos_mean: "Mean of surface positions.",
      surface_pos_std: "Standard deviation of surface positions.",
      surface_pressure_mean: "Mean of pressure on the surface.",
      surface_pressure_std: "Standard deviation of pressure on the surface.",
      surface_friction_mean: "Mean of wall shear stress.",
      surface_friction_std: "Standard deviation of wall shear stress.",
      volume_pos_mean: "Mean of volume positions.",
      volume_pos_std: "Standard deviation of volume positions.",
      volume_pressure_mean: "Mean of pressure in the volume.",
      volume_pressure_std: "Standard deviation of pressure in the volume.",
      volume_velocity_mean: "Mean of velocity.",
      volume_velocity_std: "Standard deviation of velocity.",
      volume_vorticity_mean: "Mean of vorticity.",
      volume_vorticity_std: "Standard deviation of vorticity.",
      volume_vorticity_logscale_mean: "Mean of vorticity on the signed logarithmic scale.",
      volume_vorticity_logscale_std: "Standard deviation of vorticity on the signed logarithmic scale.",
      volume_vorticity_magnitude_mean: "Mean of the vorticity's magnitude.",
      volume_vorticity_magnitude_std: "Standard deviation of the vorticity's magnitude.",
      volume_domain_min: "Smallest coordinates of the volume.",
      volume_domain_max: "Largest coordinates of the volume.",
      volume_sdf_mean: "Mean of signed distance to the surface.",
      volume_sdf_std: "Standard deviation of signed distance to the surface.",
      inflow_design_parameters_min: "Smallest values of the inflow's parameters.",
      inflow_design_parameters_max: "Largest values of the inflow's parameters.",
      inflow_design_parameters_mean: "Mean of the inflow's parameters.",
      inflow_design_parameters_std: "Standard deviation of the inflow's parameters.",
      geometry_design_parameters_min: "Smallest values of the geometry's parameters.",
      geometry_design_parameters_max: "Largest values of the geometry's parameters.",
      geometry_design_parameters_mean: "Mean of the geometry's parameters.",
      geometry_design_parameters_std: "Standard deviation of the geometry's parameters.",
      raw_pos_min: "Smallest coordinate, the same for every axis.",
      raw_pos_max: "Largest coordinate, the same for every axis.",
    },
  ],
  AeroTransformerConfig: [
    {
      data_specs: "Fields that are predicted, and positions and features that are given.",
      volume_channels:
        "Channels of the head that the volume's fields have: those after the surface's, or (release 2026.4) the first ones.",
    },
  ],
  AeroTransolverConfig: [
    {
      data_specs: "Fields that are predicted, and positions and features that are given.",
      volume_channels:
        "Channels of the head that the volume's fields have: those after the surface's, or (release 2026.4) the first ones.",
    },
  ],
  AeroUPTConfig: [
    {
      volume_channels:
        "Channels of the head that the volume's fields have: those after the surface's, or (release 2026.4) the first ones.",
    },
  ],
  AerodynamicsLossWeights: [
    {
      surface_weight: "Weight of all losses on the surface.",
      volume_weight: "Weight of all losses in the volume.",
      surface_pressure_weight: "Weight of the surface's pressure.",
      surface_friction_weight: "Weight of the wall shear stress.",
      volume_velocity_weight: "Weight of the velocity.",
      volume_pressure_weight: "Weight of the volume's pressure.",
      volume_vorticity_weight: "Weight of the vorticity.",
    },
  ],
  AnchorBranchedUPTConfig: [
    {
      supernode_pooling_config: "Geometry encoder; needed exactly by perceiver blocks.",
      transformer_block_config: "Blocks of geometry, physics and decoders.",
      geometry_depth: "Transformer blocks behind the geometry encoder.",
      hidden_dim: "Channels of a token.",
      physics_blocks:
        '"perceiver": attend to the geometry; "self": to the anchors of the same domain; "cross": of the others; "joint": of all. With "_untied", each domain has weights of its own for attention and MLP.',
      num_domain_decoder_blocks:
        "Decoder blocks of each domain, { surface: 2, volume: 2 }; names of other domains have no effect, so that data sets can share it.",
      init_weights: "Of blocks and geometry encoder, where they do not say it themselves.",
      drop_path_rate: "Drop path of all blocks, where transformer_block_config does not say it itself.",
      data_specs: "Fields that are predicted, and positions and features that are given.",
      perceiver_block_config: "Perceiver blocks, where they are to differ from transformer_block_config.",
      untied_square_weights: "How untied blocks multiply with square weights.",
    },
  ],
  AttentionConfig: [
    {
      hidden_dim: "Channels of all heads together.",
      num_heads: "Attention heads; hidden_dim is a multiple of it.",
      use_rope: "Rotate queries and keys by position; the forward then needs frequencies.",
      dropout: "Dropout of attention weights and of the output projection, in training.",
      init_weights: "How weights are drawn at the beginning.",
      bias: "Linear layers have an offset.",
      head_dim: "Channels of one head, always hidden_dim / num_heads.",
    },
  ],
  AutomotiveAerodynamicsCfdTrainerConfig: [
    {
      surface_weight: "Weight of all losses on the surface.",
      volume_weight: "Weight of all losses in the volume.",
      surface_pressure_weight: "Weight of the surface's pressure.",
      surface_friction_weight: "Weight of the wall shear stress.",
      volume_velocity_weight: "Weight of the velocity.",
      volume_pressure_weight: "Weight of the volume's pressure.",
      volume_vorticity_weight: "Weight of the vorticity.",
      use_physics_features: "Signed distances and normals as inputs.",
    },
  ],
  BaseModelConfig: [
    {
      input_dim: "Channels of the input.",
      hidden_dim: "Channels of the hidden layers.",
      output_dim: "Channels of the output.",
      bias: "Linear layers have an offset.",
      num_hidden_layers: "Layers between the input's and the output's.",
      activation_function: "Between the layers.",
      use_skip_connections: "Hidden layers add to what they are given.",
      dropout: "Share of the channels that is set to 0 in training.",
      norm_layer: "Norm of the hidden layers; null: none.",
    },
  ],
  BaseTrainerConfig: [
    {
      kind: "Trainer class.",
      max_epochs: "Length of the run; one of max_epochs, max_updates and max_samples has to be given.",
      max_updates: "The same in optimizer steps.",
      max_samples: "The same in samples.",
      start_at_epoch: "Counters and schedules start here; not together with an initializer.",
      add_default_callbacks: "Adds those that log losses, learning rates, times and progress.",
      add_trainer_callbacks: "Adds those that the trainer's class has.",
      effective_batch_size: "Samples per optimizer step over all processes.",
      precision: "Autocast type of forward passes; parameters stay float32.",
      callbacks: "What happens during training, by kind; may be null (required).",
      initializer: "Where the state of training comes from, by its kind.",
      log_every_n_epochs: "Interval of the lines that the console prints. Default: a hundredth of the run.",
      log_every_n_updates: "The same in updates; at most one of the three.",
      log_every_n_samples: "The same in samples.",
      track_every_n_epochs: "Interval of the metrics of the default callbacks. Default: a five-hundredth of the run.",
      track_every_n_updates: "The same in updates; at most one of the three.",
      track_every_n_samples: "The same in samples.",
      max_batch_size: "Most samples of one forward pass over all processes; switches gradient accumulation on.",
      skip_nan_loss: "Leaves out an update whose loss is NaN, instead of ending the run.",
      skip_nan_loss_max_count: "So many skipped updates in a row are an error after all.",
      disable_gradient_accumulation: "Ignores max_batch_size. Default: false with max_batch_size, else true.",
      checkpoint_format:
        "Release of the Python framework that reads the run's checkpoints and hp_resolved.yaml. All are read here.",
      save_on_sigint: "Ctrl-C ends training as SIGTERM does: after the update, with a checkpoint.",
      capture:
        "Records forward pass, loss, backward pass and optimizer step once per batch shape as a CUDA graph, and replays it; see docs/capture.md.",
      activation_checkpointing:
        "Blocks of the model keep their inputs only, and are computed again in the backward pass: less memory, more time.",
      use_torch_compile: "Means capture: there is no compiler.",
      find_unused_params:
        "Of several processes: parameters may have no part in a loss, and each update looks for them. Without it such an update is an error.",
      static_graph:
        "Of several processes: every update uses the same parameters, some perhaps never; the first one finds out which.",
      shard_optimizer_state:
        "Of several processes: each keeps the optimizer's state of its share of the parameters (ZeRO stage 1); see docs/distributed.md.",
      dataloader_prefetch_factor: "Batches that each loader worker loads ahead; null: 2.",
      forward_properties: "Batch keys handed to the model.",
      target_properties: "Batch keys handed to the loss.",
    },
  ],
  BestCheckpointCallbackConfig: [
    {
      metric_key: "The metric; it has to be logged before, at the same time.",
      save_frozen_weights: "Also parameters that are not trained.",
      tolerances:
        "For each, also the best weights as they were when the metric had not improved for more than so many times.",
      model_names: "Of a composite model these alone; null: all.",
    },
  ],
  BestMetricCallbackConfig: [
    {
      source_metric_key: "Metric whose best value counts, such as loss/val/total.",
      target_metric_keys: "Metrics to log as they were then; one that is missing is an error.",
      optional_target_metric_keys: "The same for metrics that not every call has.",
    },
  ],
  CacheWrapperConfig: [
    {
      memory: "Bytes of samples in memory, of all loader threads together.",
      disk: "Keeps decoded samples in files, for all processes that name the same folder; null: none on disk.",
    },
  ],
  CallBackBaseConfig: [
    {
      name: "Names the config class (not the callback); each subclass has its own.",
      kind: "Callback class.",
      id: "Key of a stateful callback's state in checkpoints; tells several of one class apart.",
      every_n_epochs: "Interval; exactly one of the three is given.",
      every_n_updates: "The same in optimizer steps.",
      every_n_samples: "The same in samples; needs batch_size.",
      batch_size: "Batch size of the callback's own data, per process; null: that of training.",
    },
  ],
  CasesConfig: [
    {
      pattern: "Folders (data/* with a slash at the end) or files (data/*.vtu), relative to root.",
      exclude: "Names of cases that are left out; * stands for any text.",
    },
  ],
  CheckpointCallbackConfig: [
    {
      save_weights: "Under the tag of the iteration, E10_U500_S2000.",
      save_optim: "The optimizer, under the tag of the iteration.",
      save_latest_weights: "Under latest.",
      save_latest_optim: "The optimizer under latest; needed to resume.",
      model_names: "Of a composite model these alone; null: all.",
      keep_last:
        "Of the checkpoints under iterations' tags the last n stay. Default: all, if no other rule is set; else 1",
      keep_every: "Every nth stays.",
      keep_best: "The k with the best metric_key stay.",
      metric_key: "Says which are best.",
    },
  ],
  CheckpointInitializerConfig: [
    {
      load_optim: "Whether the optimizer's state is read, too.",
      pop_ckpt_kwargs_keys: "Accepted and never used, as in the Python framework.",
      output_path: "Output root of the run to read from; null: that of the current run.",
    },
  ],
  CompositeTransformerBlockConfig: [
    {
      depth: "Number of blocks.",
      transformer_config: "The blocks, all alike.",
      output_dim: "Output channels, with use_output_projection.",
      use_rope: "Rotary positions in the blocks.",
      projection_bias: "An MLP for surface tokens and one for volume tokens before the blocks.",
      use_output_projection: "Layer norm and a linear layer after the blocks.",
    },
  ],
  CompositeTransformerConfig: [
    {
      use_rope: "Rotary positions in both parts.",
      low_level_blocks: "First part: blocks before the high-level ones.",
      high_level_blocks: "Second part, with the output projection.",
      num_heads:
        "For the blocks of both parts, where these do not say it themselves. No other key of the model reaches its parts.",
      hidden_dim: "Channels of a token.",
      mlp_expansion_factor: "Channels inside of an MLP are this times hidden_dim.",
      data_specs: "Fields that are predicted, and positions and features that are given.",
    },
  ],
  ConcatSparseTensorCollator: [
    {
      items: "Keys whose rows are concatenated.",
      create_batch_idx: "Adds the sample's number of each row.",
      batch_idx_key: "Key of these numbers.",
    },
  ],
  ConcatTensorSampleProcessor: [
    {
      items: "Keys to join, in order.",
      target_key: "Key of the result.",
      dim: "Dimension along which they are joined.",
    },
  ],
  ConditionConfig: [
    {
      table:
        "Table with a row for each case (.csv, .tsv, .parquet; .json and .yaml with a mapping of case names), relative to root.",
      case_column: "Column with the names of the cases. Default: the first column of texts.",
      file: "File in each case instead: .json, .yaml, arrays, or field data of a mesh.",
      field:
        "What to read, in the order of the channels: columns, keys (inflow.speed) or arrays. Default: all numbers.",
      unit: "Unit of all, or one for each field; values are converted to SI.",
      scale: "What the values are multiplied by, for another unit.",
    },
  ],
  ConfigSchema: [
    {
      name: "Experiment name, the base of the run name.",
      accelerator: "Where it computes. Default: gpu where there is one, else cpu.",
      stage_name: "Sub-directory of the run directory; null: none.",
      dataset_kind: "Class of the data sets, for configs that refer to it.",
      dataset_root: "Folder of the data sets, for configs that refer to it.",
      resume_run_id: "Run to continue.",
      resume_stage_name: "Its stage; null: none.",
      resume_checkpoint: "latest, a tag, or E10, U500, S4000; null: latest.",
      seed: "Of all random numbers.",
      sample_order:
        "In which order a seed puts the training samples: as this release of the Python framework, or as release 1.1, to repeat a run.",
      dataset_statistics: "Statistics of fields, for configs that refer to them.",
      tracker: "Where metrics go beside the folder of the run, by its kind; null or disabled: nowhere.",
      run_id:
        "Name of the folder of the run. Null: the number of the Slurm job (<array job>_<task>), else made from date and five random characters.",
      devices: 'Device indices as a quoted list, "0,1".',
      num_workers:
        "Threads that load samples, for training and callbacks together. 0: the process itself; null: as many as seem useful.",
      cudnn_benchmark: "On a GPU, cuDNN tries its algorithms for each new shape and takes the fastest.",
      cudnn_deterministic: "On a GPU, only algorithms that give the same result each time.",
      datasets: "Data sets by name: train is the training set; without it the first one.",
      model: "The model, by its kind.",
      trainer: "The trainer, by its kind.",
      debug: "Verbose console, no tracker, output below debug/.",
      log_level: "Least severity that the console prints (log.txt has everything); null: info, with debug: true debug.",
      development_batch_size: "Samples that noether-development looks at.",
      store_code_in_output: "Keeps code.tar.gz, the files of the working tree, in the folder of the run.",
      dashboard:
        "A page that shows the run while it trains, on this machine alone; its address is printed. Needs the package fastify.",
      report: "Writes report.html into the folder of the run at its end.",
      output_path: "Where the folders of runs are. Default: slurm.folder, if there is that section.",
      master_port:
        "Port on which the first of several processes waits for the others, or [low, high] to draw one from. Default: MASTER_PORT, else a random one.",
      slurm: "How noether-train-submit-job gives the run to Slurm.",
    },
  ],
  ConstantScheduleConfig: [{ value: "The value at every step." }],
  ContinuousSincosEmbeddingConfig: [
    {
      hidden_dim: "Channels of the embedding.",
      input_dim: "Number of coordinates.",
      max_wavelength: "Longest wavelength, in units of the positions.",
    },
  ],
  CsvTrackerConfig: [{ path: "File, in the run's folder; an absolute path is taken as it is." }],
  CustomScheduleConfig: [{ values: "The value of each step, in order." }],
  DataRecord: [
    {
      project: "Folder that kinds such as ./model.ts#Model are relative to.",
      datasets: "The data sets, by their keys.",
    },
  ],
  DatasetBaseConfig: [
    {
      kind: "Class of the data set.",
      pipeline: "Config of the collating pipeline (mapping with kind), or a ready object.",
      dataset_normalizers: "Normalizers by sample key: one config or a list of them.",
      strict_normalizers:
        "Whether a value whose normalizer is not configured is an error; otherwise it comes as it is, with a warning.",
      non_finite:
        "What is done about NaN and infinite values in a sample: error; drop leaves their points out of all properties of the domain; keep takes them as they are.",
      dataset_wrappers: "Applied in order, the first is innermost.",
      included_properties: "Only these sample keys (add index where sampling is seeded).",
      excluded_properties: "All but these; wins over included_properties.",
    },
  ],
  DatasetRecord: [
    {
      properties: "Key of the normalizer by sample key; null where values are used as they are.",
      statistics: "Numbers that normalizers took from the class or the files of the data set.",
    },
  ],
  DatasetWrapperConfig: [{ kind: "Class of the wrapper." }],
  DecreasingProgressScheduleConfig: [{ max_value: "First value.", end_value: "Last value." }],
  DeepPerceiverDecoderConfig: [
    {
      perceiver_block_config: "The blocks, all alike.",
      depth: "Number of blocks, each with its own weights.",
      input_dim: "Number of coordinates of the queries; stored configs have it, nothing depends on it.",
    },
  ],
  DefaultCollator: [
    {
      items: "Keys to stack; each sample has to have them.",
      optional_items: "Keys to stack where the first sample has them.",
    },
  ],
  DefaultTensorSampleProcessor: [
    {
      item_key_name: "Key of the new tensor.",
      feature_dim: "Its channels.",
      size: "Its rows; null: as many as matching_item_key has.",
      matching_item_key: "Key of a tensor with as many rows.",
      default_value: "Value of every entry.",
    },
  ],
  DiskCacheConfig: [
    {
      path: "Folder of the files.",
      size: "What they may take; the samples that were not read for longest are removed.",
    },
  ],
  DomainConfig: [
    {
      file: "File of the case, or several that are joined; . is an OpenFOAM case. May be left out where cases are files.",
      patches: "Patches of an OpenFOAM case that make up the domain; * stands for any text. Default: its cells.",
      blocks: "Blocks of a collection (.vtm), as patches; outer/inner names one inside another.",
      time: "Time of a transient case.",
      max_points: "At most so many random points of a sample, the same for all properties.",
      seed: "The same points every time; null: others in each epoch.",
      units: "Units in the files, by property. Values are converted to SI.",
    },
  ],
  DomainDataSpec: [
    {
      output_dims:
        "Predicted fields without the domain's prefix, { pressure: 1, friction: 3 }; their order is that of the channels.",
      feature_dim:
        "Inputs beside the position by their full sample keys, { surface_sdf: 1 }; their order is that of the channels.",
    },
  ],
  DomainPipelineConfig: [
    {
      model: "Whose inputs the batches are.",
      data_specs: "What the model predicts.",
      num_points: "Random points of each domain: the anchors of AB-UPT, the queries of UPT, the points of the others.",
      num_queries:
        "Further points that AB-UPT predicts from the anchors, for evaluation: all in the order of the file. Null: none.",
      geometry: "Geometry of AB-UPT (null: its blocks need none) and UPT.",
      seed: "The same points of a sample each time; null: others in every epoch.",
    },
  ],
  DrivAerNetDatasetConfig: [
    {
      split: "train, val or test, or a part of one as in Python: train[7], train[:100], test[10:50:2].",
      filter_categories: "Only designs of these categories.",
    },
  ],
  DropOutliersSampleProcessor: [
    {
      item: "Key of the values that are looked at (N, 1).",
      affected_items: "Keys that lose the same rows.",
      min_value: "Rows below it are dropped.",
      max_value: "Rows above it are dropped.",
      min_quantile: "Rows below this quantile are dropped.",
      max_quantile: "Rows above this quantile are dropped.",
    },
  ],
  DuplicateKeysSampleProcessor: [{ key_map: "Name of the copy, by the key that is copied." }],
  EmaCallbackConfig: [
    {
      target_factors: "How much of the average stays at each update; one average for each.",
      model_paths: "Submodels to average, by their path; null: the whole model.",
      save_weights: "Under the tag of the iteration.",
      save_last_weights: "At the end of training, under last.",
      save_latest_weights: "Under latest.",
      eval_callbacks:
        "Callbacks that run under the averaged weights, once for each factor; what they log is called ema=<factor>/….",
    },
  ],
  EmmiWingDatasetConfig: [
    {
      split: "Which part of the data.",
      splits_path: 'JSON file with the ids of each split, { "train": [0, 1], … }. Default: splits.json in root.',
    },
  ],
  FieldDecoderCollator: [
    { position_item: "Key of the query positions.", target_items: "Keys of the fields at these positions." },
  ],
  FieldNormalizerConfig: [
    {
      strategy: "mean_std: to mean 0 and deviation 1. position: to [0, scale].",
      logscale: "The statistics are of log-scaled values; only with mean_std.",
      stat_keys: "Names of the statistics: of mean and std (default <key>_mean, <key>_std), or of min and max.",
      scale: "Length of the box after scaling; only with position.",
    },
  ],
  FieldPictureCallbackConfig: [
    {
      dataset_key: "Name of the data set under datasets.",
      fields:
        "What is drawn: the batch key of the points of each field, { surface_pressure: surface_position }. The model predicts <field>, the batch holds <field>_target.",
      samples: "Indices of the samples.",
      forward_properties: "Batch keys that the model gets; null: those of the trainer.",
      width: "Pixels of a picture.",
      height: "Height of a picture, in pixels.",
    },
  ],
  FileMap: [
    {
      surface_position: "Positions of the surface's points (N, 3).",
      surface_pressure: "Pressure on the surface (N, 1).",
      surface_friction: "Wall shear stress on the surface (N, 3).",
      surface_normals: "Normals of the surface (N, 3).",
      surface_area: "Areas of the surface's cells (N, 1).",
      volume_position: "Positions of the volume's points (M, 3).",
      volume_pressure: "Pressure in the volume (M, 1).",
      volume_velocity: "Velocity in the volume (M, 3).",
      volume_vorticity: "Vorticity in the volume (M, 3).",
      volume_normals: "Direction to the nearest surface from the volume's points (M, 3).",
      surface_position_stl: "Positions of the vertices of the geometry's STL.",
      surface_position_stl_resampled: "Positions drawn anew on the geometry's STL.",
      volume_friction: "Shear stress in the volume (M, 3).",
      volume_distance_to_surface: "Distance of the volume's points to the surface (M, 1).",
      design_parameters: "Parameters of the design.",
    },
  ],
  FixedEarlyStopperConfig: [
    {
      name: "Tells configs of this class.",
      stop_at_sample: "End of training; exactly one of the three is given.",
      stop_at_update: "The same in optimizer steps.",
      stop_at_epoch: "The same in epochs.",
    },
  ],
  FolderDatasetConfig: [
    {
      root: "Where paths begin. Default: the working directory.",
      cases: "Which folders or files below the root are cases.",
      split: "Which of the splits this data set is; null: all cases.",
      splits: "Which cases belong to which split; null: every case to every split.",
      domains: "Point clouds by name; a mapping with file or position beside these keys is one, too.",
      conditions: "Numbers of the whole case by sample key.",
      normalize:
        "How properties are normalised; the numbers come from the training set before the run begins. Null: not at all, but for dataset_normalizers.",
      position_scale: "Edge of the cube that holds the positions of all training cases after the strategy position.",
    },
  ],
  GeometryConfig: [
    {
      domain: "Domain whose points they are.",
      num_points: "Random points of it. Null: all.",
      num_supernodes: "Points among these that the others are pooled into.",
    },
  ],
  GradientNormCallbackConfig: [
    {
      per_group: "Also the norm of each parameter group of an optimizer.",
      modules: "Also the norms of these modules, by their path in the model; * stands for one part: physics_blocks.*.",
      verbose: "Prints the mean of the total as well.",
    },
  ],
  IncreasingProgressScheduleConfig: [{ start_value: "First value.", max_value: "Last value." }],
  InitializerBaseConfig: [
    {
      kind: "Initializer class.",
      kwargs: "Further entries of the initializer's second argument. Those of the framework have none, and say so.",
    },
  ],
  InitializerConfig: [
    {
      run_id: "Run to read from.",
      stage_name: "Stage of that run; null: none.",
      model_name: "Name part of the checkpoint file; null: the model's name.",
      checkpoint_tag: "latest, E1_U10_S40, … or a mapping of epoch, update, sample: one of them or all.",
      model_info: "Infix of the file name, e.g. ema=0.9999.",
    },
  ],
  InterleavedSamplerConfig: [
    {
      batch_size: "Samples of one batch of this process.",
      drop_last: "Leave out the last batch of an epoch where it is not full.",
      max_epochs: "Ends after so many passes over the training data …",
      max_updates: "… or so many optimizer updates …",
      max_samples: "… or so many samples. At least one of the three is set.",
      start_epoch: "Begins after so many epochs, for a resumed run …",
      start_update: "… or so many updates …",
      start_sample: "… or so many samples.",
      evaluation: "One pass over the extra samplers and no training data.",
      accumulation_steps: "Batches of one optimizer update.",
      world_size: "Processes that train together: each sample counted here stands for one of each process.",
    },
  ],
  JsonLinesTrackerConfig: [{ path: "File, in the run's folder; an absolute path is taken as it is." }],
  LayerScaleConfig: [
    {
      hidden_dim: "Channels, each with its factor.",
      init_values: "Initial scale of every channel; null: no scale at all.",
    },
  ],
  LinearProjectionConfig: [
    {
      input_dim: "Channels of the input.",
      output_dim: "Channels of the output.",
      ndim: "null: linear over the last dim; 1, 2, 3: convolution with kernel 1, channels at dim 1.",
      bias: "Adds an offset.",
      optional: "Identity without parameters when both dims are equal.",
      init_weights: "How weights are drawn at the beginning.",
    },
  ],
  LinearWarmupCosineDecayScheduleConfig: [
    {
      warmup_steps: "Updates of the warm-up.",
      warmup_percent: "Share of training in the warm-up, 0 to 1.",
      start_value: "Value at the first step; 0 is skipped (the first step is already above it).",
      max_value:
        "Value at the end of the warm-up; not the optimizer's lr unless the YAML says so. Required since release 2026.4.",
      end_value: "Value at the end of training.",
    },
  ],
  LionConfig: [
    {
      betas: "Shares of the old average in the sign that is taken, and in the new average.",
      caution: "Leaves out the steps that go against the gradient.",
      foreach: "One operation over all parameters; the result is the same.",
      maximize: "Goes up instead of down.",
    },
  ],
  MLPConfig: [
    {
      input_dim: "Channels of the input.",
      output_dim: "Channels of the output.",
      hidden_dim: "Channels of the hidden layers.",
      num_layers: "Hidden layers besides the first.",
      activation: "Between the layers.",
      init_weights: "How weights are drawn at the beginning.",
    },
  ],
  MeanStdNormalizerConfig: [
    {
      mean: "Mean: one number, or one of each channel.",
      std: "Standard deviation, in the same form.",
      logscale: "Takes the signed logarithm first.",
    },
  ],
  MetricEarlyStopperConfig: [
    {
      metric_key: "Metric to watch, such as loss/val/total; whether higher is better follows from its name.",
      tolerance: "Calls in a row without an improvement after which training ends.",
    },
  ],
  MlflowTrackerConfig: [
    {
      tracking_uri: "Address of the server; null: the variable MLFLOW_TRACKING_URI.",
      experiment: "Experiment that the run belongs to; made where there is none.",
    },
  ],
  ModelBaseConfig: [
    {
      kind: "Model class.",
      name: "Part of checkpoint file names.",
      optimizer_config: "Null: the model is not trained.",
      initializers: "Weights from earlier runs, applied in order after initialisation.",
      is_frozen: "Keeps the weights as they are: no gradients, no optimizer.",
      forward_properties: "Batch keys handed to the model.",
    },
  ],
  ModelDataSpecs: [
    {
      position_dim: "Dimensions of a position: 2 or 3.",
      conditioning_dims: "One vector per sample, e.g. inflow_design_parameters: 2.",
      domains: "Fields of each domain, such as surface and volume, by its name.",
      use_physics_features: "The model takes the domains' features (feature_dim) besides positions.",
    },
  ],
  MomentNormalizationBatchProcessor: [
    {
      items: "Keys of the batch to normalize.",
      mean: "Mean of each channel.",
      std: "Standard deviation of each channel.",
    },
  ],
  MomentNormalizationSampleProcessor: [
    {
      item: "Key of the values to normalize.",
      mean: "Mean of each channel.",
      std: "Standard deviation of each channel.",
      logmean: "Mean of each channel on the logarithmic scale.",
      logstd: "Standard deviation of each channel on the logarithmic scale.",
      logscale: "Takes the signed logarithm first.",
    },
  ],
  MultiBranchAnchorAttentionConfig: [
    {
      branches: 'Domains, e.g. ["surface", "volume"]; their tokens are called <branch>_anchors and <branch>_queries.',
      anchor_suffix: "Ending of the names of anchor tokens.",
    },
  ],
  MultiTrackerConfig: [{ trackers: "One config each, by kind." }],
  MuonOptimizerConfig: [
    {
      momentum: "Decay of the running mean of the gradient; null: 0.95.",
      secondary:
        "The optimizer of all parameters that are no matrices; null: Lion with this learning rate and weight decay.",
      nesterov: "Look ahead along the momentum; null: yes.",
      ns_steps: "Newton–Schulz iterations; null: 5.",
      adjust_lr_fn: "How the learning rate of a matrix depends on its shape; null: as original.",
    },
  ],
  MuonSecondaryOptimizerConfig: [
    {
      kind: "Null: noether.core.optimizer.Lion.",
      lr: "Learning rate.",
      weight_decay: "Decoupled weight decay.",
      momentum: "For optimizers with one momentum.",
      betas: "For optimizers with two running averages.",
    },
  ],
  NormalizerConfig: [{ kind: "Class of the normalizer." }],
  OfflineLossCallbackConfig: [{ output_patterns_to_log: "Substrings of the additional outputs to log." }],
  OnlineLossCallbackConfig: [{ verbose: "Also logs the losses as text." }],
  OptimizerConfig: [
    {
      kind: "torch.optim.AdamW, noether.core.optimizer.Lion, …",
      lr: "Learning rate before a schedule takes over; null: the optimizer's default.",
      weight_decay: "0 where it is left out, whatever the optimizer's own default is; that one is meant by null.",
      clip_grad_value: "Clamp of each gradient entry.",
      clip_grad_norm: "Bound of the norm over all gradients of the model.",
      param_group_modifiers_config: "Learning rates and weight decays of single parameters, by name.",
      exclude_bias_from_weight_decay: "Biases have no weight decay.",
      exclude_normalization_params_from_weight_decay: "Parameters with fewer than two dimensions have no weight decay.",
      weight_decay_schedule: "Weight decay over the run, absolute values.",
      schedule_config: "Learning rate over the run, absolute values.",
    },
  ],
  ParamGroupModifierConfig: [
    {
      kind: "noether.core.optimizer.param_group_modifiers.LrScaleByNameModifier or …WeightDecayByNameModifier.",
      scale: "Factor on the learning rate.",
      value: "Weight decay to use.",
      name: "Full parameter name, e.g. backbone.cls_token.",
    },
  ],
  PerceiverAttentionConfig: [{ kv_dim: "Channels of the tokens that are attended to; null: hidden_dim." }],
  PerceiverBlockConfig: [{ kv_dim: "Channels of the tokens that are attended to; null: hidden_dim." }],
  PeriodicBoolScheduleConfig: [
    {
      initial_state: "Whether it begins switched on.",
      off_value: "Value while it is off.",
      on_value: "Value while it is on.",
      off_duration: "Steps for which it is off.",
      on_duration: "Steps for which it is on.",
      invert: "Exchanges on and off.",
    },
  ],
  PeriodicDataIteratorCallbackConfig: [{ dataset_key: "Name of the data set under datasets." }],
  PointSamplingSampleProcessor: [
    {
      items: "Keys that lose the same rows.",
      num_points: "Rows that are left.",
      seed: "The same rows of a sample each time; null: others each time.",
    },
  ],
  PolynomialDecreasingScheduleConfig: [{ power: "Power of the share of training that is done; 1 is linear." }],
  PolynomialIncreasingScheduleConfig: [{ power: "Power of the share of training that is done; 1 is linear." }],
  PositionNormalizationBatchProcessor: [
    {
      items: "Keys of the batch to normalize.",
      raw_pos_min: "Smallest coordinate of each axis, or one for all.",
      raw_pos_max: "Largest coordinate of each axis, or one for all.",
      scale: "Length that the range is mapped to.",
    },
  ],
  PositionNormalizationSampleProcessor: [
    {
      items: "Keys of the sample to normalize.",
      raw_pos_min: "Smallest coordinate of each axis, or one for all.",
      raw_pos_max: "Largest coordinate of each axis, or one for all.",
      scale: "Length that the range is mapped to.",
    },
  ],
  PositionNormalizerConfig: [
    {
      raw_pos_min: "Smallest coordinate: one number, or one of each axis.",
      raw_pos_max: "Largest coordinate, in the same form.",
      scale: "Length that the range is mapped to.",
    },
  ],
  PreviousRunInitializerConfig: [
    {
      load_optim: "Also loads the optimizer's state.",
      keys_to_remove: "State-dict keys to drop; each must be there.",
      patterns_to_remove: "Substrings: every key that contains one is dropped.",
      patterns_to_rename: "{ src, dst }: every occurrence of src in a key becomes dst.",
      patterns_to_instantiate: "Substrings: matching keys keep the model's freshly initialised values.",
    },
  ],
  ProgressScheduleConfig: [
    {
      exclude_first: "Skip the start value: the first step is already one step away from it.",
      exclude_last: "Stop one step short of the end value.",
    },
  ],
  PropertyConfig: [
    {
      field:
        "Name of the field, or of several whose channels are put side by side; points and cell_centers are coordinates.",
      computed: "What to compute instead.",
      to: "Of distances: the domain, or the file of the case, whose surface is meant.",
      file: "File of the case that has the field. Default: the file of the domain.",
      components: "Channels to keep, by number or as x, y, z. Default: all.",
      unit: "Unit of the values in the file; they are converted to SI.",
      scale: "Factor on top of the conversion.",
    },
  ],
  PropertySubsetWrapperConfig: [{ properties: "What is read of a sample; nothing else is." }],
  PyTorchProfilerCallbackConfig: [
    {
      wait: "Updates of a cycle that are left out.",
      warmup: "Updates of a cycle with the profiler on whose times are dropped.",
      active: "Updates of a cycle that are recorded.",
      repeat: "Cycles, each with a file of its own; 0: to the end of training.",
      record_shapes: "Shapes and dtypes of the operators' inputs.",
      profile_memory: "Memory that is allocated and freed.",
      with_stack: "Of Python's stack; has no effect.",
      with_flops: "Floating-point operations of matrix products and convolutions.",
      with_modules: "Of TorchScript's modules; has no effect.",
      profile_cuda: "Kernels on the GPU, where there is one.",
      profile_cpu: "Operators on the CPU.",
      rank0_only: "In the first process of several only.",
      trace_subdir: "Folder of the traces in the folder of the run.",
    },
  ],
  RenameKeysBatchProcessor: [{ key_map: "New name of each key, by its old one." }],
  RenameKeysSampleProcessor: [{ key_map: "New name of each key, by its old one." }],
  RepeatWrapperConfig: [{ repetitions: "How often each sample comes in an epoch." }],
  ReplaceKeySampleProcessor: [{ source_key: "Key whose value is moved.", target_keys: "Keys that get it." }],
  ResumeInitializerConfig: [
    { load_optim: "Also loads the optimizer's state.", model_name: "Name of the model in the run that is resumed." },
  ],
  RopeFrequencyConfig: [
    {
      hidden_dim: "Channels of one head.",
      input_dim: "Number of coordinates.",
      max_wavelength: "Longest wavelength, in units of the positions.",
      implementation: "Which channels form a pair, see RopeTable; a checkpoint needs the one it was trained with.",
    },
  ],
  ScalarsConditionerConfig: [
    {
      hidden_dim: "Channels of each scalar's embedding.",
      num_scalars: "How many scalars there are.",
      condition_dim: "Width of the condition; null: 4 · hidden_dim.",
      init_weights: "How weights are drawn at the beginning.",
    },
  ],
  ScheduleBaseConfig: [
    {
      kind: "Class of the schedule.",
      overhang_percent:
        "Lengthens the schedule by trunc(total * overhang_percent) steps, so that it does not reach its end.",
      overhang_steps: "Lengthens the schedule by this many steps.",
      start_value: "Where the schedule starts.",
      end_value: "Where it ends.",
      weight_decay: "Checked, and without effect on any schedule, as in the Python framework.",
      start_percent: "Checked, and without effect on any schedule, as in the Python framework.",
      end_percent: "Checked, and without effect on any schedule, as in the Python framework.",
      start_step: "Checked, and without effect on any schedule, as in the Python framework.",
      end_step: "Checked, and without effect on any schedule, as in the Python framework.",
      interval: "Whether the value changes with every update or once an epoch.",
    },
  ],
  SchedulerConfig: [{ warmup_percent: "Share of training that is warm-up.", end_value: "Where it ends." }],
  ShiftAndScaleNormalizerConfig: [
    {
      shift: "What is added: one number, or one of each channel.",
      scale: "What the sum is multiplied by, in the same form.",
      logscale: "Takes the signed logarithm first.",
    },
  ],
  ShuffleWrapperConfig: [{ seed: "Of the order, which stays; null: another in each run." }],
  SimshiftHeatsinkConfig: [
    {
      kind: "Class of the data set.",
      root: "Folder of the samples, or the published archive (heatsink.zip). Default: ~/.cache/emmi/datasets/simshift_heatsink/heatsink.zip.",
      split: "Which part of the data.",
      difficulty: "How far the target domain is from the source domain. Default: all.",
      domain: "Default: both.",
      splits_path: "Default: splits.json in root. Not for archives.",
      metadata_path: "Default: metadata.csv in root. Not for archives.",
    },
  ],
  SlurmConfig: [
    {
      folder: "Job scripts and logs, relative to the working directory; %u is the name of the user.",
      name: "Name of the job.",
      nodes: "Machines.",
      tasks_per_node: "Processes on each, started by srun.",
      cpus_per_task: "Processor cores of each.",
      gpus_per_node: "GPUs of each machine: 2 or a100:2.",
      mem_gb: "Memory of each node in GB (of 1024 MB); 0: all of it.",
      timeout_min: "Minutes until the job is ended; 0: no limit.",
      stderr_to_stdout: "One log for both.",
      slurm_partition: "Partition that the job waits in.",
      slurm_array_parallelism: "Tasks of an array that run at the same time.",
      slurm_setup: "Lines of shell before training.",
      slurm_additional_parameters:
        "Other options of sbatch: { account: x, exclusive: true } is --account=x --exclusive.",
    },
  ],
  SparseTensorOffsetCollator: [{ item: "Key of the indices.", offset_key: "Key of the points that are counted." }],
  StandardDatasetConfig: [{ root: "Folder of the data.", split: "Which part of the data." }],
  StepDecreasingScheduleConfig: [
    {
      factor: "What is left of the distance to the end value after each interval.",
      decreases_interval: "Length of an interval as a share of training.",
    },
  ],
  StepFixedScheduleConfig: [
    {
      start_value: "Value before the first step.",
      factor: "What the value is multiplied by at each step.",
      steps: "Shares of training at which the value steps.",
    },
  ],
  StepIntervalScheduleConfig: [
    {
      start_value: "Value before the first step.",
      factor: "What the value is multiplied by at each step.",
      update_interval: "Share of training between steps.",
    },
  ],
  SubsetWrapperConfig: [
    {
      indices: "The samples, by their indices; instead of a range.",
      start_index: "First sample.",
      end_index: "The sample after the last.",
      start_percent: "First sample as a share of all.",
      end_percent: "End as a share of all.",
    },
  ],
  SupernodePoolingConfig: [
    {
      hidden_dim: "Channels of a token.",
      input_dim: "Number of coordinates.",
      radius: "A supernode gathers the points within this distance …",
      k: "… or its k nearest points. Exactly one of both is set.",
      max_degree: "With a radius: most points that are gathered, those of the lowest index.",
      spool_pos_mode: "Positions in messages: those of both ends, their difference, or all.",
      init_weights: "How weights are drawn at the beginning.",
      readd_supernode_pos: "Join the gathered messages with the supernode's own embedding.",
      aggregation: "How messages are gathered.",
      message_mode: "What becomes of a message before it is gathered.",
      input_features_dim: "Features per point besides its position; null: none.",
    },
  ],
  SupernodeSamplingSampleProcessor: [
    {
      item: "Key of the points (N, 3).",
      num_supernodes: "How many are drawn.",
      supernode_idx_key: "Key of their indices.",
      items_at_supernodes: "Keys whose rows there are added as supernode_<key>.",
      seed: "The same supernodes of a sample each time; null: others each time.",
    },
  ],
  SurfaceVolumeEvaluationMetricsCallbackConfig: [
    {
      forward_properties: "Batch keys that the model gets, those that a batch has of them. Needed.",
      chunked_inference: "Predict the points of a sample part by part.",
      chunk_properties: "Batch keys that are cut along dim 1; the others go whole into each part.",
      batch_size: "Samples may have different numbers of points.",
      chunk_size: "Points of a part; the last one has the rest.",
      sample_size_property: "Batch key whose dim 1 is the number of points.",
    },
  ],
  TensorboardTrackerSchema: [
    {
      log_dir: "Folder of the event files, in the run's folder; an absolute path is taken as it is.",
      flush_secs: "Most seconds until an event is in its file. Here each is there at once.",
    },
  ],
  TokenSpec: [
    {
      name: "Name of the tokens, such as surface_anchors.",
      size: "Number of tokens; null: they are not in the sequence, their keys and values come from a cache.",
    },
  ],
  TrackAdditionalOutputsCallbackConfig: [
    {
      keys: "Outputs to track, by their names; one that is missing is an error.",
      patterns: "Tracks every output whose name contains one of these.",
      verbose: "Also logs the values as text.",
      reduce: "What becomes of the values since the last call: their mean, or the last.",
      log_output: "Hands the result to the trackers.",
      save_output: "Writes the values to a file in the run's folder.",
    },
  ],
  TrackerBaseConfig: [{ kind: "Class of the tracker." }],
  TrackioTrackerSchema: [
    {
      project: "Project that the run belongs to.",
      space_id: "A Space of Hugging Face, user/name; null: the server of TRACKIO_SERVER_URL, or this machine.",
    },
  ],
  TransformerBlockConfig: [
    {
      hidden_dim: "Channels of the tokens.",
      num_heads: "Of the attention; they divide hidden_dim.",
      mlp_hidden_dim: "Channels of the MLP's hidden layer; null: hidden_dim · mlp_expansion_factor.",
      mlp_expansion_factor: "Channels of the hidden layer over hidden_dim; this or mlp_hidden_dim.",
      drop_path: "Probability that a sample skips a residual branch in training.",
      attention_constructor: "Which attention the block has.",
      layerscale: "Initial scale per channel of each residual branch; null: no scale.",
      condition_dim: "Width of the condition that modulates the block; null: no modulation.",
      bias: "Biases of norms, attention and MLP.",
      eps: "Added to the variance in layer norms.",
      init_weights: "How weights are drawn.",
      use_rope: "Rotary positions; the forward then needs frequencies.",
      max_wavelength:
        "Longest wavelength of rotary positions and of the position embedding of models with such blocks.",
      attention_arguments: "Further fields of the attention's config, e.g. dropout, num_slices.",
    },
  ],
  TransformerConfig: [
    {
      position_projection: "How positions become tokens.",
      use_output_projection: "Layer norm and a linear layer to the output channels at the end.",
      use_bias_layers: "An MLP for surface tokens and one for volume tokens after the embedding.",
      data_specs: "Fields that are predicted, and positions and features that are given.",
    },
    {
      hidden_dim: "Channels of a token.",
      depth: "Number of blocks.",
      transformer_block_config: "The blocks, all alike.",
    },
  ],
  TransolverAttentionConfig: [{ num_slices: "Number of slices G that the points are assigned to." }],
  TransolverConfig: [
    {
      position_projection: "How positions become tokens.",
      use_output_projection: "Layer norm and a linear layer to the output channels at the end.",
      use_bias_layers: "An MLP for surface tokens and one for volume tokens after the embedding.",
      data_specs: "Fields that are predicted, and positions and features that are given.",
    },
    { attention_arguments: "Options of the attention: the number of slices that points are gathered in, …" },
  ],
  TransolverPlusPlusAttentionConfig: [
    {
      use_overparameterization: "Kept for stored configs; only true is implemented.",
      use_adaptive_temperature: "Temperature of each point from its features; only true is implemented.",
      temperature_activation:
        "Kept for stored configs; only the default is accepted, the temperature goes through GELU.",
      use_gumbel_softmax: 'Noise on the slice logits in training; "always": also in evaluation, false: never.',
    },
  ],
  TransolverPlusPlusConfig: [
    { attention_arguments: "Options of the attention: the number of slices that points are gathered in, …" },
  ],
  TutorialConfigSchema: [
    {
      data_specs: "Inputs and targets of the data set.",
      dataset_statistics: "Mean and deviation of fields, for normalizers and pipelines.",
      trainer: "The trainer.",
    },
  ],
  UPTConfig: [
    {
      position_projection: "How positions become tokens.",
      use_output_projection: "Layer norm and a linear layer to the output channels at the end.",
      use_bias_layers: "An MLP for surface tokens and one for volume tokens after the embedding.",
      data_specs: "Fields that are predicted, and positions and features that are given.",
    },
    {},
  ],
  UPTNetworkConfig: [
    {
      num_heads: "Attention heads of each block.",
      hidden_dim: "Channels of a token.",
      mlp_expansion_factor: "Channels inside of an MLP are this times hidden_dim.",
      approximator_depth: "Transformer blocks between encoder and decoder.",
      use_rope: "Rotary positions in attention.",
      supernode_pooling_config: "Encoder: points to supernodes.",
      approximator_config: "Transformer blocks on the supernodes.",
      decoder_config: "Decoder: supernodes to the query points.",
      bias_layers: "An MLP for the queries of each domain behind the embedding; a bare UPT has none.",
      data_specs: "Fields that are predicted, and positions and features that are given.",
    },
  ],
  UnquantizedDropPathConfig: [
    {
      drop_prob: "Share of the samples whose path is left out in training.",
      scale_by_keep: "Divide what is kept by the probability of keeping, so that the expectation stays.",
    },
  ],
  UntiedLinearConfig: [
    {
      num_types: "Number of types, each with weights of its own.",
      linear_projection: "Of it, input_dim, output_dim, bias and init_weights have an effect.",
      square_weights: "How square weights multiply: as all others, or as release 2026.4 of the Python framework.",
    },
  ],
  UntiedMLPConfig: [
    {
      num_types: "Number of types, each with weights of its own.",
      mlp: "The MLP of each type.",
      square_weights: "How square weights multiply: as all others, or as release 2026.4 of the Python framework.",
    },
  ],
  UntiedMixedAttentionConfig: [
    {
      num_types: "Number of types, each with weights of its own.",
      square_weights: "How square weights multiply: as all others, or as release 2026.4 of the Python framework.",
    },
  ],
  UntiedPerceiverBlockConfig: [
    {
      num_types: "Number of domains, each with weights of its own.",
      perceiver_block_config: "The block of each type.",
      square_weights: "How square weights multiply: as all others, or as release 2026.4 of the Python framework.",
    },
  ],
  UntiedTransformerBlockConfig: [
    {
      num_types: "Number of domains, each with weights of its own.",
      transformer_block: "The block of each type.",
      square_weights: "How square weights multiply: as all others, or as release 2026.4 of the Python framework.",
    },
  ],
  UpActDownMLPConfig: [
    {
      input_dim: "Channels of input and output.",
      hidden_dim: "Channels in between.",
      bias: "Linear layers have an offset.",
      init_weights: "How weights are drawn at the beginning.",
    },
  ],
  WandBTrackerSchema: [
    {
      entity: "User or team; null: that of the key.",
      project: "Project that the run belongs to; null: uncategorized.",
      mode: "offline keeps everything for wandb sync; disabled tracks nothing.",
    },
  ],
  WeightedLossTrainerConfig: [
    {
      field_weights: "Weight of each field, by its name without _target; 0 leaves it out.",
      loss_fn:
        "mse, l1, smooth_l1, huber (also as torch.nn.functional.mse_loss, …), or a function of your own, ./losses.ts#relative, called as (target, prediction).",
    },
  ],
};
