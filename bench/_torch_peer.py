"""One measurement of PyTorch for train_bench.ts: the same networks, shapes, optimiser and clock as _train_probe.ts.

Takes one argument, a JSON object (see Probe in train_bench.ts); prints one JSON object.
"""

import json
import resource
import statistics
import sys
import time


def networks(torch):
    nn, functional = torch.nn, torch.nn.functional

    def conv(inputs, outputs, kernel, stride=1, groups=1):
        return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)

    class Basic(nn.Module):
        """Basic block; `shortcut` is "pad" (option A, no parameters) or "conv" (option B)."""

        def __init__(self, inputs, outputs, stride, shortcut):
            super().__init__()
            self.conv1, self.bn1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
            self.conv2, self.bn2 = conv(outputs, outputs, 3), nn.BatchNorm2d(outputs)
            self.relu = nn.ReLU(inplace=True)
            self.stride, self.missing, self.downsample = stride, 0, None
            if (stride != 1 or inputs != outputs) and shortcut == "pad":
                self.missing = outputs - inputs
            elif stride != 1 or inputs != outputs:
                self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

        def forward(self, x):
            y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
            if self.downsample is not None:
                x = self.downsample(x)
            elif self.missing:
                before = self.missing // 2
                x = functional.pad(x[:, :, :: self.stride, :: self.stride],
                                   (0, 0, 0, 0, before, self.missing - before))
            return self.relu(y + x)

    def resnet_cifar(depth, outputs):
        layers = [conv(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
        width = 16
        for stage in range(3):
            for block in range((depth - 2) // 6):
                layers.append(Basic(width, 16 << stage, 2 if stage > 0 and block == 0 else 1, "pad"))
                width = 16 << stage
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, outputs))

    def resnet18(outputs):
        layers = [conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
        width = 64
        for stage in range(4):
            for block in range(2):
                layers.append(Basic(width, 64 << stage, 2 if stage > 0 and block == 0 else 1, "conv"))
                width = 64 << stage
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, outputs))

    class Inverted(nn.Module):
        """Inverted residual with a linear bottleneck."""

        def __init__(self, inputs, outputs, stride, expansion):
            super().__init__()
            hidden = inputs * expansion
            layers = []
            if expansion != 1:
                layers += [conv(inputs, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True)]
            layers += [conv(hidden, hidden, 3, stride, hidden), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True)]
            layers += [conv(hidden, outputs, 1), nn.BatchNorm2d(outputs)]
            self.body = nn.Sequential(*layers)
            self.residual = stride == 1 and inputs == outputs

        def forward(self, x):
            return x + self.body(x) if self.residual else self.body(x)

    def mobilenet_v2(outputs):
        layers = [conv(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU6(inplace=True)]
        width = 32
        for expansion, filters, repeats, first in (
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
        ):
            for repeat in range(repeats):
                layers.append(Inverted(width, filters, first if repeat == 0 else 1, expansion))
                width = filters
        layers += [conv(width, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU6(inplace=True)]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, outputs)]
        return nn.Sequential(*layers, *head)

    return {
        "resnet20-cifar": lambda: resnet_cifar(20, 10),
        "resnet32-cifar": lambda: resnet_cifar(32, 10),
        "resnet18": lambda: resnet18(1000),
        "mobilenet_v2-torch": lambda: mobilenet_v2(1000),
    }


def measured(body, warmup, seconds):
    """Milliseconds of each call after `warmup` calls; at least three calls, and for `seconds`."""
    for _ in range(warmup):
        body()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        body()
        times.append((time.perf_counter() - start) * 1000)
    return {"stepMs": statistics.median(times), "steps": len(times)}


def main(probe):
    import torch

    torch.set_num_threads(probe["threads"])
    torch.manual_seed(1)
    form = torch.channels_last if probe["engine"] == "torch-channels-last" else torch.contiguous_format
    network = networks(torch)[probe["network"]]().to(memory_format=form)
    batch, side = probe["batch"], probe["side"]
    x = torch.randn(batch, 3, side, side).contiguous(memory_format=form)
    labels = torch.arange(batch) % 10
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, foreach=True)
    losses = []

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(network(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    def forward():
        with torch.no_grad():
            network(x).sum().item()

    network.train()
    train = measured(step, probe["warmup"], probe["seconds"])
    network.eval()
    return {
        "batch": batch,
        "train": train,
        "forward": measured(forward, probe["warmup"], probe["seconds"]),
        "losses": [losses[0], losses[-1]],
        "parameters": sum(p.numel() for p in network.parameters()),
        "version": "PyTorch " + torch.__version__,
        "threads": torch.get_num_threads(),
        "peakMemoryMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
