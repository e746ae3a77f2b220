-- Makes wrk print its figures as one line of JSON (latencies in milliseconds). Runs once, after the load.
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\n@{"requests":%d,"seconds":%.6f,"errors":%d,"p50Ms":%.4f,"p99Ms":%.4f}\n',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
