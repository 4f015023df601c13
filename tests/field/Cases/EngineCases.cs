namespace Spos.Field.Cases;

/// <summary>Memory, disks and numbers that do not suffice, and build folders that are not a checkout's own.</summary>
internal static class EngineCases
{
    // As a full disk does, a limit of a file's size stops a write half-way. The runtime writes itself what it may execute twice unless told
    // not to.
    public const string SmallFiles = "trap '' XFSZ; ulimit -f 40; export DOTNET_EnableWriteXorExecute=0; ";

    [Case("A batch that does not fit the memory names one that does, and that one runs")]
    public static void Full_memory(Scene scene)
    {
        string[] Command(string batch, string run) =>
        [
            "supernet", "--imagenet-dir", Scene.Data, .. NetworkWith("--batch-size", batch),
            "--total-iters", "1", "--random-paths", "1", "--output-dir", scene.At(run),
        ];
        Outcome full = Shell.Run("SPOS_MEMORY_LIMIT=2M spos \"$@\"", Command("40", "large")).Ended(1);
        full.Said("The CPU's memory is full", "--batch-size");
        CaseFailedException.Unless(!full.Error.Contains("CUDA", StringComparison.Ordinal), full.Error);
        string advice = full.Error.Split("should: --batch-size ")[1], fits = advice[..advice.IndexOf('.', StringComparison.Ordinal)];
        Shell.Run("SPOS_MEMORY_LIMIT=2M spos \"$@\"", Command(fits, "small")).Ended(0).Printed("Supernet trained");
    }

    [Case("A run that diverges stops, says where, and leaves its last checkpoint whole")]
    public static void Divergence(Scene scene)
    {
        string run = scene.At("run");
        string[] command =
        [
            "scratch", "--imagenet-dir", Scene.Data, .. NetworkWith("--learning-rate", "50"), "--architecture", "0 1 2 3 0",
            "--epochs", "30", "--weight-decay", "0.9", "--save-frequency", "1", "--val-frequency", "0", "--output-dir", run,
        ];
        Scene.Spos(command).Ended(1)
            .Said("training diverges", "at step ", "Lower --learning-rate", "The last checkpoint, ", "--restart", "--load-checkpoint");
        Scene.Spos("eval", "--imagenet-dir", Scene.Data, "--checkpoint", run).Ended(0);
        CaseFailedException.Unless(!File.Exists(Path.Combine(run, "result.json")), "there is a result.");
    }

    [Case("A full disk names the file that was to be and leaves no half of it")]
    public static void Full_disk(Scene scene)
    {
        string exported = scene.At("export", "network.pth"), run = scene.At("run"), data = scene.At("data");
        const string full = "could not be written: File too large";
        const string script = SmallFiles + "spos \"$@\"";
        Shell.Run(script, "export", "--checkpoint", Scene.Supernet, "--output", exported).Ended(1).Said($"{exported} {full}");
        Shell.Run(script, "dataset", "make", "--output-dir", data, "--train", "1", "--val", "1", "--size", "1024")
            .Ended(1).Said($"{data} {full}");
        string[] command = ["supernet", "--imagenet-dir", Scene.Data, .. Scene.Network, "--epochs", "1", "--output-dir", run];
        Shell.Run(script, command).Ended(1).Said("checkpoint-", full, "make room and run the same command again");
        var everything = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 };
        string[] left = Directory.GetFileSystemEntries(scene.Folder, "*.tmp", everything);
        CaseFailedException.Unless(left.Length == 0 && !File.Exists(exported) && !Directory.Exists(data), string.Join(' ', left));
        Scene.Spos(command).Ended(0);
    }

    [Case("Parts of a FLOPs window are bounded, and a network's own window is the default")]
    public static void Sample(Scene scene)
    {
        foreach (string bins in new[] { "0", "-1", "1001", "2147483647" })
        {
            foreach (string verb in new[] { "sample", "supernet" })
            {
                Scene.Spos(verb, "--flops-bins", bins).Ended(2).Said($"--flops-bins {bins}", "1 to 1000");
            }
        }
        Scene.Spos("sample", "--samples", "2147483647").Ended(2).Said("--samples");
        Scene.Spos("sample", "--flops-lb", "3e8", "--flops-ub", "2e8").Ended(2).Said("--flops-lb");
        Scene.Spos("sample", "--flops-lb", "1", "--flops-ub", "2").Ended(2).Said("270.359M to 398.609M");
        Outcome own = Scene.Spos("sample", "--checkpoint", Scene.Supernet, "--samples", "100").Ended(0).Printed("in the window");
        CaseFailedException.Unless(own.Output.Contains($"in the window           {Math.Pow(4, 5)}", StringComparison.Ordinal), own.Output);
    }

    // The tiny network's options, one of them with another value.
    private static string[] NetworkWith(string option, string value)
    {
        int at = Array.IndexOf(Scene.Network, option);
        return [.. Scene.Network[..at], option, value, .. Scene.Network[(at + 2)..]];
    }

    [Case("A copied, moved or incomplete build folder is configured anew")]
    public static void Build_folders(Scene scene)
    {
        // A CMake that notes how it was called, and writes what the real one would.
        const string script = """
            set -eu
            mkdir -p "$1/bin" "$1/here/tools" "$1/here/native"
            cp "$2/tools/setup.sh" "$1/here/tools"
            cat >"$1/bin/cmake" <<'CMAKE'
            #!/bin/bash
            if [[ $1 == --build ]]; then exit 0; fi
            echo configured
            mkdir -p "$4"
            {
                echo "CMAKE_HOME_DIRECTORY:INTERNAL=$2"
                echo "CMAKE_CACHEFILE_DIR:INTERNAL=$4"
                echo "CMAKE_CXX_COMPILER:FILEPATH=$COMPILER"
                echo "CMAKE_MAKE_PROGRAM:FILEPATH=/bin/true"
            } >"$4/CMakeCache.txt"
            touch "$4/build.ninja"
            CMAKE
            sed -i 's/^            //' "$1/bin/cmake"
            chmod +x "$1/bin/cmake"
            export PATH="$1/bin:$PATH" COMPILER="$1/bin/compiler"
            cp /bin/true "$COMPILER"
            sed -i 's|-G Ninja "${@:3}" >/dev/null|-G Ninja "${@:3}" >>"$setup_root/../log"|' "$1/here/tools/setup.sh"
            build() { (source "$1/tools/setup.sh"; build_native 2>/dev/null); wc -l <"$2/log"; }
            cd "$1"
            build "$1/here" "$1"      # 1: the first time
            build "$1/here" "$1"      # 1: nothing changed
            cp -r here copy
            build "$1/copy" "$1"      # 2: a copy's
            build "$1/copy" "$1"      # 2: its own now
            mv copy moved
            build "$1/moved" "$1"     # 3: a moved one's
            rm "$COMPILER"
            build "$1/moved" "$1"     # 4: the compiler is gone
            cp /bin/true "$COMPILER"
            rm "$1/moved/build/native/CMakeCache.txt"
            build "$1/moved" "$1"     # 5: half a folder
            """;
        Outcome outcome = Shell.Run(script, scene.Folder, Shell.Checkout).Ended(0);
        CaseFailedException.Unless(outcome.Output == "1\n1\n2\n2\n3\n4\n5\n", outcome.Output + outcome.Error);
    }
}
