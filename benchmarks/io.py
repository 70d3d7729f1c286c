"""
The Python side of io.ts: fetches with huggingface_hub or boto3, prints seconds and peak memory (VmHWM) as JSON.
`io.py run COMMAND ...` prints those of a command, whatever its language.
"""

import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

if sys.argv[1] == "run":
    start = time.perf_counter()
    subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak}))
    sys.exit()
service, out, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
start = time.perf_counter()
if service == "hub":
    from huggingface_hub import snapshot_download

    snapshot_download("o/n", local_dir=out, max_workers=jobs)
else:
    import boto3
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config

    client = boto3.client("s3", region_name="us-east-1", config=Config(max_pool_connections=64))
    keys = [o["Key"] for page in client.get_paginator("list_objects_v2").paginate(Bucket="b") for o in page["Contents"]]

    def fetch(key: str) -> None:
        path = os.path.join(out, key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        client.download_file("b", key, path, Config=TransferConfig(max_concurrency=jobs))

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(fetch, keys))
seconds = time.perf_counter() - start
peak = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
print(json.dumps({"seconds": seconds, "peak": peak}))
