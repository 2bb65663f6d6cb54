"""A collector of one request: OpenTelemetry's own schema, read strictly. Prints its port, then what it was sent."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)


def text_attributes(attributes):
    return {attribute.key: attribute.value.string_value for attribute in attributes}


def told(request):
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.gauge.data_points:
                    yield {
                        "service": text_attributes(resource.resource.attributes)["service.name"],
                        "name": metric.name,
                        "unit": metric.unit,
                        "value": point.as_double,
                        "time_ns": point.time_unix_nano,
                        "attributes": text_attributes(point.attributes),
                    }


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/metrics", self.path
        assert self.headers["Content-Type"] == "application/json", self.headers
        request = json_format.Parse(body, ExportMetricsServiceRequest())
        answer = json_format.MessageToJson(ExportMetricsServiceResponse()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        print(json.dumps(list(told(request))), flush=True)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Collector)
print(server.server_port, flush=True)
server.handle_request()
