// `spos import` as a program of its own: dotnet run --project tools/pth-import -- --checkpoint FILE --output-dir FOLDER
return Spos.Cli.Program.Main(["import", .. args]);
