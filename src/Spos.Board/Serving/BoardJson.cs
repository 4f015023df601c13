using System.Text.Json;
using System.Text.Json.Serialization;
using Spos.Board.Reading;

namespace Spos.Board.Serving;

/// <summary>The runs of a folder.</summary>
/// <param name="Cut">Whether there are more.</param>
internal sealed record RunList(string Root, RunHeader[] Runs, bool Cut);

/// <summary>What was asked for is done, or begun.</summary>
internal sealed record Accepted(bool Done);

/// <summary>What was asked for is not done.</summary>
/// <param name="Error">Why.</param>
internal sealed record Refused(string Error);

/// <summary>
/// All that the server answers, written by code that is made when it is built: a board that has just started has far less to compile before
/// its first answer.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, GenerationMode = JsonSourceGenerationMode.Serialization)]
[JsonSerializable(typeof(RunList))]
[JsonSerializable(typeof(RunDetails))]
[JsonSerializable(typeof(AddedPoints[]))]
[JsonSerializable(typeof(Accepted))]
[JsonSerializable(typeof(Refused))]
internal sealed partial class BoardJson : JsonSerializerContext;
