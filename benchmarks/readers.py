"""The Python side of readers.ts: writes the files, and answers commands on stdin with one JSON line each.

    pip install pyvista meshio
"""

import json
import os
import sys
import time

import numpy as np
import pyvista as pv
import vtk


def timed(body):
    cpu, wall = time.process_time(), time.perf_counter()
    result = body()
    timing = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return {**timing, **result}


# ---- files


def write_vtu(path, megabytes, compressor):
    """A grid of hexahedra with pressure and velocity, about a hundred bytes a point."""
    n = round((megabytes * 2**20 / 101) ** (1 / 3))
    grid = pv.ImageData(dimensions=(n, n, n)).cast_to_structured_grid().cast_to_unstructured_grid()
    grid.points = grid.points.astype(np.float32)
    random = np.random.default_rng(0)
    grid.point_data["p"] = random.standard_normal(grid.n_points).astype(np.float32)
    grid.point_data["U"] = random.standard_normal((grid.n_points, 3)).astype(np.float32)
    writer = vtk.vtkXMLUnstructuredGridWriter()
    writer.SetFileName(path)
    writer.SetInputData(grid)
    writer.SetDataModeToAppended()
    writer.SetEncodeAppendedData(False)
    writer.SetHeaderTypeToUInt64()
    getattr(writer, f"SetCompressorTypeTo{compressor}")()
    writer.Write()


HEADER = 'FoamFile\n{{\n    version 2.0;\n    format {form};\n    arch "LSB;label=32;scalar=64";\n    class {kind};\n    object {name};\n}}\n'


def write_case(folder, n, form):
    """A cube of n³ hexahedra as OpenFOAM numbers them: by cells, their faces to x, y and z."""
    mesh, last = os.path.join(folder, "constant", "polyMesh"), os.path.join(folder, "1")
    for path in (mesh, last, os.path.join(folder, "system")):
        os.makedirs(path)

    def rows(values):
        if form == "binary":
            return b"%d\n(" % len(values) + np.ascontiguousarray(values).tobytes() + b")"
        if values.ndim == 1:
            return b"%d\n(\n" % len(values) + b"\n".join(repr(x).encode() for x in values.tolist()) + b"\n)"
        return b"%d\n(\n" % len(values) + b"\n".join(b"(%r %r %r)" % tuple(row) for row in values.tolist()) + b"\n)"

    def write(path, kind, content):
        with open(path, "wb") as file:
            file.write(HEADER.format(form=form, kind=kind, name=os.path.basename(path)).encode() + content + b"\n")

    axis = np.arange(n + 1) / n
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    write(os.path.join(mesh, "points"), "vectorField", rows(np.stack([x, y, z], -1).reshape(-1, 3)))
    m = n + 1
    cell = np.arange(n**3)
    i, j, k = cell % n, cell // n % n, cell // n**2
    first = i + m * (j + m * k)
    dx, dy, dz = 1, m, m * m
    sides = {"x": [0, dy, dy + dz, dz], "y": [0, dz, dz + dx, dx], "z": [0, dx, dx + dy, dy]}
    steps = {"x": (dx, 1, i < n - 1), "y": (dy, n, j < n - 1), "z": (dz, n * n, k < n - 1)}
    faces, owner, neighbour = [], [], []
    for name, (step, next_cell, inside) in steps.items():
        faces.append((first[inside] + step)[:, None] + sides[name])
        owner.append(cell[inside])
        neighbour.append(cell[inside] + next_cell)
    faces, owner, neighbour = np.concatenate(faces), np.concatenate(owner), np.concatenate(neighbour)
    order = np.lexsort((neighbour, owner))
    faces, owner, neighbour = faces[order], owner[order], neighbour[order]
    patches, start = [], len(faces)
    for name, (step, _, inside) in steps.items():
        for low in (True, False):
            there = {"x": i, "y": j, "z": k}[name] == (0 if low else n - 1)
            corners = (first[there] + (0 if low else step))[:, None] + (sides[name][::-1] if low else sides[name])
            faces, owner = np.concatenate([faces, corners]), np.concatenate([owner, cell[there]])
            patches.append(f"{name}{'Min' if low else 'Max'} {{ type patch; nFaces {n * n}; startFace {start}; }}")
            start += n * n
    faces, owner, neighbour = faces.astype(np.int32), owner.astype(np.int32), neighbour.astype(np.int32)
    if form == "binary":
        offsets = np.arange(0, 4 * len(faces) + 1, 4, dtype=np.int32)
        write(os.path.join(mesh, "faces"), "faceCompactList", rows(offsets) + b"\n" + rows(faces.reshape(-1)))
    else:
        content = b"\n".join(b"4(%d %d %d %d)" % tuple(face) for face in faces.tolist())
        write(os.path.join(mesh, "faces"), "faceList", b"%d\n(\n" % len(faces) + content + b"\n)")
    write(os.path.join(mesh, "owner"), "labelList", rows(owner))
    write(os.path.join(mesh, "neighbour"), "labelList", rows(neighbour))
    write(os.path.join(mesh, "boundary"), "polyBoundaryMesh", f"{len(patches)}\n(\n{chr(10).join(patches)}\n)".encode())
    random = np.random.default_rng(0)
    tail = b";\nboundaryField { \".*\" { type zeroGradient; } }"
    for name, kind, values in (
        ("p", "Scalar", random.standard_normal(n**3)),
        ("U", "Vector", random.standard_normal((n**3, 3))),
    ):
        head = f"dimensions [0 0 0 0 0 0 0];\ninternalField nonuniform List<{kind.lower()}> ".encode()
        write(os.path.join(last, name), f"vol{kind}Field", head + rows(values) + tail)
    with open(os.path.join(folder, "system", "controlDict"), "w") as file:
        file.write(HEADER.format(form="ascii", kind="dictionary", name="controlDict") + "application simpleFoam;\n")
    open(os.path.join(folder, "case.foam"), "w").close()


# ---- reading


def summary(mesh):
    return {"points": mesh.n_points, "cells": mesh.n_cells}


def read_pyvista(path):
    return summary(pv.read(path))


def read_meshio(path):
    import meshio

    mesh = meshio.read(path)
    return {"points": len(mesh.points), "cells": sum(len(block.data) for block in mesh.cells)}


def read_foam(path):
    reader = vtk.vtkOpenFOAMReader()
    reader.SetFileName(os.path.join(path, "case.foam"))
    reader.SetCreateCellToPoint(False)
    reader.UpdateInformation()
    reader.EnableAllPatchArrays()
    reader.UpdateTimeStep(1)
    return summary(pv.wrap(reader.GetOutput())["internalMesh"])


if __name__ == "__main__":
    for line in sys.stdin:
        command, *words = line.split()
        if command == "vtu":
            write_vtu(words[0], float(words[1]), words[2])
            answer = {}
        elif command == "case":
            write_case(words[0], int(words[1]), words[2])
            answer = {}
        else:
            read = {"pyvista": read_pyvista, "meshio": read_meshio, "foam": read_foam}[command]
            answer = timed(lambda: read(words[0]))
        print(json.dumps(answer), flush=True)
