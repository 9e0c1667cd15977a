"""PyTorch's side of classifier.ts: the same network, data, augmentation, update and schedule, from scratch.

Takes two arguments: a JSON object (see `Peer` in classifier.ts) and the file its metrics go to, one JSON object a line. The last
line has the accuracy on the test set, read once, after training. Goes on from its checkpoint when it was interrupted.
"""

import json
import math
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from _torch_peer import networks  # noqa: E402


def read(folder, names):
    """Pictures float32[N, 3, 32, 32] in [0, 1] and labels, of CIFAR-10's binary files."""
    import numpy

    rows = numpy.concatenate([
        numpy.fromfile(os.path.join(folder, name), dtype=numpy.uint8).reshape(-1, 3073) for name in names
    ])
    return rows[:, 1:].reshape(-1, 3, 32, 32).astype(numpy.float32) / 255, rows[:, 0].astype(numpy.int64)


def held_out(labels, count, generator):
    """Indices of validation pictures: as many of every class."""
    import numpy

    members = [numpy.flatnonzero(labels == label) for label in numpy.unique(labels)]
    return numpy.sort(numpy.concatenate([
        generator.permutation(own)[: round(len(own) * count / len(labels))] for own in members
    ]))


def rate(peer, step, total):
    """Linear warm-up, then half a cosine down to 0."""
    if step < peer["warmup"]:
        return peer["base"] * (step + 1) / peer["warmup"]
    return peer["base"] * 0.5 * (1 + math.cos(math.pi * (step - peer["warmup"]) / (total - peer["warmup"])))


def main(peer, metrics):
    import numpy
    import torch

    torch.set_num_threads(peer["threads"])
    torch.manual_seed(peer["seed"])
    network = networks(torch)[peer["network"]]()
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter, mode="fan_out", nonlinearity="relu")
    network = network.to(memory_format=torch.channels_last)
    matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in network.parameters() if parameter.ndim == 1]
    optimizer = torch.optim.SGD(
        [{"params": matrices, "weight_decay": peer["weightDecay"]}, {"params": vectors, "weight_decay": 0}],
        lr=peer["base"], momentum=peer["momentum"], nesterov=peer["nesterov"], foreach=True,
    )

    mean = numpy.array(peer["mean"], numpy.float32).reshape(1, 3, 1, 1)
    std = numpy.array(peer["std"], numpy.float32).reshape(1, 3, 1, 1)
    images, labels = read(peer["data"], [f"data_batch_{k}.bin" for k in range(1, 6)])
    held = held_out(labels, peer["validation"], numpy.random.default_rng(peer["seed"]))
    kept = numpy.setdiff1d(numpy.arange(len(labels)), held)
    border = peer["padding"]
    # Black is padded before normalisation, as the other side does.
    padded = (numpy.pad(images[kept], ((0, 0), (0, 0), (border, border), (border, border))) - mean) / std
    size, own = peer["batch"], labels[kept]
    batches = len(own) // size

    def accuracy(pictures, wanted):
        network.eval()
        right = 0
        with torch.no_grad():
            for at in range(0, len(wanted), 250):
                x = torch.from_numpy((pictures[at:at + 250] - mean) / std).contiguous(memory_format=torch.channels_last)
                right += int((network(x).argmax(1).numpy() == wanted[at:at + 250]).sum())
        network.train()
        return right / len(wanted)

    first, saved = 0, metrics + ".checkpoint"
    if os.path.exists(saved):
        state = torch.load(saved)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"]

    def say(line):
        with open(metrics, "a") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), file=sys.stderr, flush=True)

    for epoch in range(first, peer["epochs"]):
        generator = numpy.random.default_rng([peer["seed"], epoch])
        order = generator.permutation(len(own))
        losses, started = [], time.time()
        for batch in range(batches):
            chosen = order[batch * size:(batch + 1) * size]
            x = numpy.empty((size, 3, 32, 32), numpy.float32)
            for row, (picture, top, left, mirrored) in enumerate(zip(
                chosen, generator.integers(0, 2 * border + 1, size), generator.integers(0, 2 * border + 1, size),
                generator.random(size) < 0.5,
            )):
                view = padded[picture, :, top:top + 32, left:left + 32]
                x[row] = view[:, :, ::-1] if mirrored else view
            for group in optimizer.param_groups:
                group["lr"] = rate(peer, epoch * batches + batch, peer["epochs"] * batches)
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(
                network(torch.from_numpy(x).contiguous(memory_format=torch.channels_last)),
                torch.from_numpy(own[chosen]),
            )
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        say({
            "epoch": epoch + 1, "loss": sum(losses) / len(losses), "accuracy": accuracy(images[held], labels[held]),
            "seconds": round(time.time() - started, 1),
        })
        torch.save(
            {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}, saved + ".new",
        )
        os.replace(saved + ".new", saved)
    pictures, wanted = read(peer["data"], ["test_batch.bin"])
    say({"test": accuracy(pictures, wanted), "images": len(wanted), "version": "PyTorch " + torch.__version__})


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
