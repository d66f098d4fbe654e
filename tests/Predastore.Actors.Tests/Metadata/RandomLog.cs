using Google.Protobuf;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Tests.Metadata;

/// <summary>Drives a bench with random commands over few names, so that they meet; the log is in the bench.</summary>
public static class RandomLog
{
    public static void Run(Bench bench, Random random, int commands)
    {
        var positions = new List<VersionRow>();
        var uploads = new List<(UploadRow Row, List<uint> Numbers)>();
        foreach (string name in new[] { "b", "c" }) bench.Bucket(name);
        for (int i = 0; i < commands; i++)
        {
            bench.NowMs += random.Next(-2000, 5000);
            string name = random.Next(3) == 0 ? "c" : "b";
            BucketRow bucket = bench.Ask(new Query { GetBucket = new GetBucket { Name = name } }).Bucket;
            string key = "k" + random.Next(4);
            switch (random.Next(14))
            {
                case 0:
                    bench.Versions(name, random.Next(2) == 0 ? Versioning.Enabled : Versioning.Suspended);
                    break;
                case 1 or 2 or 3:
                    Command put = bench.PutCommand(bucket, key, "e" + i);
                    if (random.Next(3) == 0) put.PutVersion.Missing.Add(1);
                    if (random.Next(4) == 0) put.PutVersion.Preconditions = new Preconditions { IfNoneMatchAny = true };
                    CommandResult done = bench.Execute(put);
                    if (done.Version is not null) positions.Add(done.Version);
                    if (random.Next(4) == 0) bench.Execute(put);
                    break;
                case 4 or 5:
                    string id = positions.Count > 0 && random.Next(2) == 0 ? VersionId.Format(positions[random.Next(positions.Count)]) : "";
                    bench.Delete(name, key, id);
                    break;
                case 6 when positions.Count > 0:
                    VersionRow source = positions[random.Next(positions.Count)];
                    var from = new CopySource { BucketId = source.BucketId, Key = source.Key, Position = source.Position };
                    bench.Execute(new Command
                    {
                        PutVersion = new PutVersion { Bucket = name, BucketId = bucket.Id, Version = new VersionRow { Key = key }, Source = from },
                    });
                    break;
                case 7:
                    UploadRow upload = bench.Execute(new Command
                    {
                        CreateUpload = new CreateUpload { Bucket = name, BucketId = bucket.Id, Upload = new UploadRow { Key = key } },
                    }).Upload;
                    uploads.Add((upload, []));
                    break;
                case 8 or 9 when uploads.Count > 0:
                    (UploadRow Row, List<uint> Numbers) target = uploads[random.Next(uploads.Count)];
                    ulong writeId = bench.NextWriteId();
                    uint number = (uint)random.Next(1, 5);
                    string owner = target.Row.BucketId == bench.Ask(new Query { GetBucket = new GetBucket { Name = "b" } }).Bucket.Id ? "b" : "c";
                    bench.Execute(new Command
                    {
                        WriteId = writeId,
                        PutPart = new PutPart
                        {
                            Bucket = owner, Key = target.Row.Key, UploadId = target.Row.UploadId,
                            Part = new PartRow { Number = number, Etag = "p" }, Data = Bench.Data(writeId, target.Row.BucketId, 7),
                        },
                    });
                    if (!target.Numbers.Contains(number)) target.Numbers.Add(number);
                    break;
                case 10 when uploads.Count > 0:
                    (UploadRow row, List<uint> numbers) = uploads[random.Next(uploads.Count)];
                    string home = row.BucketId == bench.Ask(new Query { GetBucket = new GetBucket { Name = "b" } }).Bucket.Id ? "b" : "c";
                    var complete = new CompleteUpload { Bucket = home, Key = row.Key, UploadId = row.UploadId };
                    complete.Parts.AddRange(numbers.Order().Where(_ => random.Next(4) > 0).Select(n => new CompletePart { Number = n, Etag = "p" }));
                    CommandResult made = bench.Execute(new Command { CompleteUpload = complete });
                    if (made.Version is not null) positions.Add(made.Version);
                    break;
                case 11 when uploads.Count > 0:
                    UploadRow victim = uploads[random.Next(uploads.Count)].Row;
                    bench.Execute(new Command { AbortUpload = new AbortUpload { Bucket = name, Key = victim.Key, UploadId = victim.UploadId } });
                    break;
                case 12:
                    Clean(bench, random);
                    break;
                default:
                    bench.Execute(new Command { ReportSession = new ReportSession { Session = bench.Session, OldestRead = bench.Index } });
                    break;
            }
        }
    }

    private static void Clean(Bench bench, Random random)
    {
        foreach (GarbageRow row in bench.Garbage())
        {
            if (random.Next(2) == 0) continue;
            var key = new GarbageKey { Index = row.Index, Id = row.Id };
            if (row.Data is null) bench.Execute(new Command { ExpandGarbage = new ExpandGarbage { Row = key, Limit = 2 } });
            else bench.Execute(new Command { CollectGarbage = new CollectGarbage { Rows = { key } } });
        }
    }
}
