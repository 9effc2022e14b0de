"""The files for operators: the image, the services and the monitoring."""
